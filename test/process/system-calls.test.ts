/**
 * What the kernel is asked, in which order. No library for Node that we know of syncs the directory; steno, lowdb, cacache
 * and fs-extra sync nothing, and leave an empty file after a power loss.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Durability } from "holdfast";
import { inChild } from "../support/child.ts";
import { needsRoot, needsStrace } from "../support/needs.ts";
import { type SystemCall, shortNames, straced, systemCalls } from "../support/strace.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

type Way = "async" | "staged" | "sync";
const CALLS = "pwrite64,fchmod,fchown,fsync,fdatasync,/^rename,/^link,/^mkdir";

interface Asked {
  readonly way: Way;
  readonly file: string;
  readonly durability: Durability;
  readonly parents?: boolean;
}

/** Writes once in a traced process; the calls about `dir`. */
async function traced(t: TestContext, dir: string, asked: Asked): Promise<SystemCall[]> {
  const trace = path.join(tempDir(t), "trace");
  await inChild(
    async ({ hf }, { way, file, ...options }) => {
      if (way === "sync") hf.writeFileSync(file, "new content", options);
      else if (way === "async") await hf.writeFile(file, "new content", options);
      else {
        const staged = await hf.stageFile(file, options);
        await staged.write("new content");
        await staged.commit();
      }
    },
    asked,
    { wrap: straced(trace, CALLS) },
  );
  return systemCalls(trace, dir);
}

/** An old file with another owner and mode, so that both have to be set. */
function oldFile(t: TestContext): { dir: string; file: string } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, "old");
  fs.chownSync(file, 4321, 4321);
  fs.chmodSync(file, 0o4750);
  return { dir, file };
}

for (const way of ["async", "sync", "staged"] as const) {
  describe(`the system calls of one write, ${way}`, { skip: needsStrace || needsRoot }, () => {
    test("durable: content, owner, mode, sync of the file, rename, sync of the directory, each done before the next", async (t) => {
      const { dir, file } = oldFile(t);
      const calls = await traced(t, dir, { way, file, durability: "durable" });
      assert.deepEqual(shortNames(calls, dir), ["pwrite64", "fchown", "fchmod", "fsync file", "rename", "fsync dir"]);
      for (const [index, call] of calls.entries()) assert.ok(index === 0 || (calls[index - 1]?.end ?? 0) < call.begin, call.name);
    });

    test("atomic: one sync, of the file", async (t) => {
      const { dir, file } = oldFile(t);
      const calls = await traced(t, dir, { way, file, durability: "atomic" });
      assert.deepEqual(shortNames(calls, dir), ["pwrite64", "fchown", "fchmod", "fsync file", "rename"]);
    });

    test("volatile: no sync at all", async (t) => {
      const { dir, file } = oldFile(t);
      const calls = await traced(t, dir, { way, file, durability: "volatile" });
      assert.deepEqual(shortNames(calls, dir), ["pwrite64", "fchown", "fchmod", "rename"]);
    });

    test("parents: each made directory is followed by a sync of the one it is in", async (t) => {
      const dir = tempDir(t);
      const calls = await traced(t, dir, { way, file: path.join(dir, "a/b/file"), durability: "durable", parents: true });
      const names = shortNames(calls, path.join(dir, "a/b")).map((name) => name.replace(dir, "."));
      const dirs = ["mkdir", "fsync .", "mkdir", "fsync ./a"];
      assert.deepEqual(names, [...dirs, "pwrite64", "fsync file", "rename", "fsync dir"]);
    });
  });
}

test("64 writers of one directory share its syncs: fewer than writers, and each has one after its rename", {
  skip: needsStrace,
}, async (t) => {
  const dir = tempDir(t);
  const trace = path.join(tempDir(t), "trace");
  await inChild(
    async ({ hf, path }, dir) => {
      await Promise.all(Array.from({ length: 64 }, (_, index) => hf.writeFile(path.join(dir, `file-${index}`), "new")));
    },
    dir,
    { wrap: straced(trace, CALLS) },
  );
  const calls = systemCalls(trace, dir);
  const names = shortNames(calls, dir);
  const renames = calls.filter((_, index) => names[index] === "rename");
  const syncs = calls.filter((_, index) => names[index] === "fsync dir");
  assert.equal(renames.length, 64);
  assert.ok(syncs.length < 64, `${syncs.length} syncs of the directory`);
  for (const { end } of renames)
    assert.ok(
      syncs.some(({ begin }) => begin > end),
      "a rename without a sync after it",
    );
});

// EDQUOT is one that libuv has no name for: Node calls it "Unknown system error -122", and it was IO here, not NO_SPACE.
describe("an error of the kernel", { skip: needsStrace }, () => {
  const RULES: readonly (readonly [rule: string, code: string])[] = [
    ["pwrite64:error=EDQUOT", "NO_SPACE"],
    ["pwrite64:error=EIO", "IO"],
    ["pwrite64:retval=0", "NO_SPACE"],
    ["fsync:error=EIO", "SYNC_FAILED"],
    ["fsync:error=ENOSPC", "NO_SPACE"],
    ["/^rename:error=EIO", "IO"],
    ["/^rename:error=EXDEV", "IO"],
    ["fchmod:error=EIO", "IO"],
  ];
  for (const [rule, code] of RULES) {
    test(`${rule}: ${code} in every form, and the old file is whole`, async (t) => {
      const dir = tempDir(t);
      const file = path.join(dir, "file");
      fs.writeFileSync(file, "old");
      const all = await inChild(
        async ({ hf, settle }, file) => {
          const options = { mode: 0o666 }; // umask takes some of it, so that it has to be set
          const all = [
            await settle(() => hf.writeFile(file, "new", options)),
            await settle(() => hf.writeFileSync(file, "new", options)),
            await settle(async () => {
              const staged = await hf.stageFile(file, options);
              await staged.write("new");
              await staged.commit();
            }),
          ];
          return all.map(({ failed }) => `${failed?.code} ${failed?.outcome}`);
        },
        file,
        { wrap: straced("/dev/null", rule.split(":")[0] ?? "", rule) },
      );
      assert.deepEqual(all, Array(3).fill(`${code} unchanged`));
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      assert.deepEqual(leftovers(dir), []);
    });
  }

  test("in the sync of the directory leaves the outcome unknown, and the new content in place", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "old");
    const { failed } = await inChild(({ hf, settle }, file) => settle(() => hf.writeFileSync(file, "new")), file, {
      wrap: straced("/dev/null", "fsync", "fsync:error=EIO:when=2"),
    });
    assert.deepEqual([failed?.code, failed?.outcome], ["SYNC_FAILED", "unknown"]);
    assert.equal(fs.readFileSync(file, "utf8"), "new");
    assert.deepEqual(leftovers(dir), []);
  });
});
