/** Mounts that no rename can go over, or that nothing can be written to. */
import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { type Body, inChild, withMounts } from "../support/child.ts";
import { needsMounts } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

interface Found {
  readonly outcomes: readonly (string | undefined)[];
  readonly content: string;
  readonly names: readonly string[];
}

/** Writes `file` in every form; what came of it. */
const writeIt: Body<string, Found> = async ({ hf, fs, path, settle }, file) => {
  const all = [
    await settle(() => hf.writeFile(file, "new")),
    await settle(() => hf.writeFileSync(file, "new")),
    await settle(async () => {
      const staged = await hf.stageFile(file);
      await staged.write("new");
      await staged.commit();
    }),
  ];
  return {
    outcomes: all.map(({ failed }) => failed && `${failed.code} ${failed.outcome}`),
    content: fs.readFileSync(file, "utf8"),
    names: fs.readdirSync(path.dirname(file)),
  };
};

describe("a mount", { skip: needsMounts }, () => {
  test("that is read-only: READ_ONLY, for new files too", async (t) => {
    const dir = tempDir(t);
    const wrap = withMounts('mount -t tmpfs none "$1"; echo -n old > "$1/file"; mount -o remount,ro "$1"', dir);
    const found = await inChild(writeIt, path.join(dir, "file"), { wrap });
    assert.deepEqual(found, { outcomes: Array(3).fill("READ_ONLY unchanged"), content: "old", names: ["file"] });
  });

  test("of a single file, as containers have: BUSY, and the file is as it was", async (t) => {
    const dir = tempDir(t);
    const script =
      'mount -t tmpfs none "$1"; mkdir "$1/in"; echo -n old > "$1/real"; touch "$1/in/file"; mount --bind "$1/real" "$1/in/file"';
    const found = await inChild(writeIt, path.join(dir, "in/file"), { wrap: withMounts(script, dir) });
    assert.deepEqual(found, { outcomes: Array(3).fill("BUSY unchanged"), content: "old", names: ["file"] });
  });

  test("below a link: the staged file is made where the link leads, so that no rename crosses mounts", async (t) => {
    const dir = tempDir(t);
    const script = 'mkdir "$1/other"; mount -t tmpfs none "$1/other"; echo -n old > "$1/other/file"; ln -s other/file "$1/link"';
    const { outcomes, content } = await inChild(writeIt, path.join(dir, "link"), { wrap: withMounts(script, dir) });
    assert.deepEqual([outcomes, content], [[null, null, null], "new"]);
  });
});
