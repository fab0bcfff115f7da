/** Staged directories with real deaths, real mounts and real full disks. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { stageDirectory } from "holdfast";
import { type Body, inChild, startChild, withMounts } from "../support/child.ts";
import { needsLinux, needsMounts } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { needsSqlite, withoutNative } from "../support/without-native.ts";

interface Found {
  readonly came: string;
  readonly files: Record<string, string>;
  readonly left: readonly string[];
}

/** Publishes `out` of `dir` over what is there; what came of it, and what is there then. */
const publishIt: Body<{ dir: string; sizes: readonly number[] }, Found> = async ({ hf, fs, path, settle }, { dir, sizes }) => {
  const out = path.join(dir, "out");
  const { value, failed } = await settle(async () => {
    const staged = await hf.stageDirectory(out, { replace: true });
    for (const [index, size] of sizes.entries()) staged.writeFile(`sub/${index}`, "n".repeat(size)).catch(() => {});
    return await staged.commit();
  });
  const names = fs.readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = names.map((entry) => path.join(entry.parentPath, entry.name)).sort();
  return {
    came: value ? value.way : `${failed?.code} ${failed?.outcome} ${failed?.details["code"] ?? ""}`.trim(),
    files: Object.fromEntries(files.map((file) => [path.relative(out, file), fs.readFileSync(file, "utf8").slice(0, 8)])),
    left: fs.readdirSync(dir).filter((name) => /^\.holdfast-(?!journal\.lock)/.test(name)),
  };
};

function withOld(dir: string): string {
  fs.mkdirSync(path.join(dir, "out/deep"), { recursive: true });
  fs.writeFileSync(path.join(dir, "out/old"), "old");
  fs.writeFileSync(path.join(dir, "out/deep/old"), "old");
  return dir;
}

const NEW = { "sub/0": "nnn", "sub/1": "nnn" };

describe("a staged directory on a real system", { skip: needsLinux }, () => {
  test("of a killed owner: the target is as it was, the next use beside it removes what was staged", async (t) => {
    const dir = withOld(tempDir(t));
    const stage: Body<string, void> = async ({ hf, say, heard }, out) => {
      const staged = await hf.stageDirectory(out, { replace: true });
      await Promise.all(Array.from({ length: 50 }, (_, index) => staged.writeFile(`d${index % 7}/f${index}`, "new")));
      say("staged");
      await heard();
    };
    const child = startChild(stage, path.join(dir, "out"));
    t.after(() => child.kill());
    await child.next();
    assert.equal(leftovers(dir).length, 2);
    await (await stageDirectory(path.join(dir, "other"))).discard();
    assert.equal(leftovers(dir).length, 2, "a live owner's is not touched");
    await child.kill();
    await (await stageDirectory(path.join(dir, "other"))).discard();
    assert.deepEqual(leftovers(dir), []);
    assert.deepEqual(fs.readdirSync(path.join(dir, "out")).sort(), ["deep", "old"]);
  });

  test("without the native package: in two steps, or refused where no lock can be had either", async (t) => {
    const dir = withOld(tempDir(t));
    const found = await inChild(publishIt, { dir, sizes: [3, 3] }, { main: withoutNative(t) });
    const expected = needsSqlite
      ? { came: "UNSUPPORTED unchanged", files: { "deep/old": "old", old: "old" }, left: [] }
      : { came: "two-step", files: NEW, left: [] };
    assert.deepEqual(found, expected);
  });

  test("on an overlay whose lower layer has the old one, as in container images: file by file", {
    skip: needsMounts,
  }, async (t) => {
    const dir = tempDir(t);
    const script = `mkdir "$1/all"; mount -t tmpfs none "$1/all"; cd "$1/all"; mkdir -p lower/out/deep upper work merged
      echo old > lower/out/old; echo old > lower/out/deep/old
      mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged; cd /`;
    const found = await inChild(
      publishIt,
      { dir: path.join(dir, "all/merged"), sizes: [3, 3] },
      { wrap: withMounts(script, dir) },
    );
    assert.deepEqual(found, { came: "file-by-file", files: NEW, left: [] });
  });

  test("on a full disk: NO_SPACE, the old one is whole, nothing is left", { skip: needsMounts }, async (t) => {
    const dir = tempDir(t);
    const script = 'mount -t tmpfs -o size=256k none "$1"; mkdir -p "$1/out/deep"; echo -n old > "$1/out/old"';
    const found = await inChild(publishIt, { dir, sizes: [100_000, 300_000] }, { wrap: withMounts(script, dir) });
    assert.deepEqual(found, { came: "WRITER_FAILED unchanged NO_SPACE", files: { old: "old" }, left: [] });
  });
});
