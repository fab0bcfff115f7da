/**
 * A disk that really fills up. Everything in front of the fault is real: the kernel writes a part, says how much, and has no
 * more. write-file-atomic, atomically and conf then replace the good file by that part, and report success.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { afterShell, type Body, inChild, withMounts } from "../support/child.ts";
import { needs, needsLinux, needsMkfs, needsMounts } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

interface Found {
  readonly way: string;
  readonly code: string | undefined;
  readonly outcome: string | undefined;
  readonly content: string;
  readonly names: readonly string[];
}

/** Writes 400,000 bytes over an old file of `dir`, in every way; what came of each. */
const writeTooMuch: Body<string, Found[]> = async ({ hf, fs, path, settle }, dir) => {
  const { Readable } = process.getBuiltinModule("node:stream");
  const { pipeline } = process.getBuiltinModule("node:stream/promises");
  const file = path.join(dir, "file");
  const data = Buffer.alloc(400_000, "new ");
  const pieces = [data.subarray(0, 100_000), data.subarray(100_000)];
  fs.writeFileSync(file, "the good old content");
  const ways: Record<string, () => Promise<unknown>> = {
    async: () => hf.writeFile(file, data),
    sync: async () => hf.writeFileSync(file, data),
    chunks: () => hf.writeFile(file, pieces),
    staged: async () => {
      const staged = await hf.stageFile(file);
      for (const piece of pieces) await staged.write(piece);
      await staged.commit();
    },
    stream: () => pipeline(Readable.from(pieces), hf.createWriteStream(file)),
    json: () => hf.writeJson(file, data.toString()),
    ifAbsent: () => hf.writeFile(path.join(dir, "absent"), data, { ifAbsent: true }),
    volatile: () => hf.writeFile(file, data, { durability: "volatile" }),
  };
  const found: Found[] = [];
  for (const [way, write] of Object.entries(ways)) {
    const { failed } = await settle(write);
    const names = fs.readdirSync(dir).filter((name) => name !== "lost+found" && name !== "ballast");
    found.push({ way, code: failed?.code, outcome: failed?.outcome, content: fs.readFileSync(file, "utf8"), names });
  }
  return found;
};

function allRefused(found: readonly Found[]): void {
  assert.equal(found.length, 8);
  for (const { way, ...rest } of found) {
    assert.deepEqual(rest, { code: "NO_SPACE", outcome: "unchanged", content: "the good old content", names: ["file"] }, way);
  }
}

describe("a full disk", () => {
  test("of 256 KiB, tmpfs: NO_SPACE, the old file is whole, nothing is left", { skip: needsMounts }, async (t) => {
    const dir = tempDir(t);
    const wrap = withMounts('mount -t tmpfs -o size=256k none "$1"', dir);
    allRefused(await inChild(writeTooMuch, dir, { wrap }));
  });

  test("ext4: NO_SPACE, the old file is whole, nothing is left", { skip: needs(needsMounts, needsMkfs) }, async (t) => {
    const dir = tempDir(t);
    const image = path.join(dir, "image");
    const mount = path.join(dir, "mount");
    const script = `
      truncate -s 4M "$1"; mkfs.ext4 -q -m 0 -b 1024 "$1"; mkdir "$2"; mount -o loop "$1" "$2"
      free=$(df --output=avail -B 1024 "$2" | tail -1); head -c $(((free - 250) * 1024)) /dev/zero > "$2/ballast"`;
    allRefused(await inChild(writeTooMuch, mount, { wrap: withMounts(script, image, mount) }));
  });

  test("is over when something was freed: the next write succeeds", { skip: needsMounts }, async (t) => {
    const dir = tempDir(t);
    const found = await inChild(
      async ({ hf, fs, path, settle }, dir) => {
        fs.writeFileSync(path.join(dir, "ballast"), Buffer.alloc(200_000));
        const { failed } = await settle(() => hf.writeFile(path.join(dir, "file"), Buffer.alloc(100_000)));
        fs.unlinkSync(path.join(dir, "ballast"));
        const { sizeBytes } = await hf.writeFile(path.join(dir, "file"), Buffer.alloc(100_000));
        return [failed?.code, sizeBytes];
      },
      dir,
      { wrap: withMounts('mount -t tmpfs -o size=256k none "$1"', dir) },
    );
    assert.deepEqual(found, ["NO_SPACE", 100_000]);
  });

  test("without inodes: NO_SPACE", { skip: needsMounts }, async (t) => {
    const dir = tempDir(t);
    const found = await inChild(
      async ({ hf, fs, path, settle }, dir) => {
        for (const name of ["a", "b", "c"]) fs.writeFileSync(path.join(dir, name), name);
        const { failed } = await settle(() => hf.writeFile(path.join(dir, "a"), "new"));
        return [failed?.code, failed?.outcome, fs.readFileSync(path.join(dir, "a"), "utf8"), fs.readdirSync(dir).length];
      },
      dir,
      { wrap: withMounts('mount -t tmpfs -o nr_inodes=4 none "$1"', dir) },
    );
    assert.deepEqual(found, ["NO_SPACE", "unchanged", "a", 3]);
  });

  test("by a limit of the file size (EFBIG, no root needed): NO_SPACE, the old file is whole", {
    skip: needsLinux,
  }, async (t) => {
    const dir = tempDir(t);
    const wrap = afterShell("ulimit -f 200"); // KiB
    allRefused(await inChild(writeTooMuch, dir, { wrap }));
  });
});
