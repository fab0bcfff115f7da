/** What is done on this thread (src/io/lookups.ts): look-ups and first writes in local directories where a file was made, no others. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { FileSystem, Io, Machine } from "../../dist/io/io.js";
import { lookingUpAtOnce } from "../../dist/io/lookups.js";
import { nodeMachine } from "../../dist/io/node.js";
import { wrapIo } from "../support/machines.ts";
import { tempDir } from "../support/temp-dir.ts";

const AT_ONCE: readonly string[] = ["lstat", "realPath", "stat", "write"];

/** The real machine, told that every directory is on `on`, and the requests that went to its synchronous form. */
function watched(on: () => Promise<FileSystem>): { readonly io: Io; readonly atOnce: string[] } {
  const atOnce: string[] = [];
  const { io, sync } = nodeMachine();
  const machine: Machine = {
    io: { ...io, fileSystem: on },
    sync: wrapIo(sync, (call, proceed) => {
      if (AT_ONCE.includes(call.op)) atOnce.push(call.op);
      return proceed();
    }),
  };
  return { io: lookingUpAtOnce(machine), atOnce };
}

/** A directory with a file that was made through `io`. */
async function writtenTo(t: TestContext, io: Io): Promise<string> {
  const dir = tempDir(t);
  await io.close(await io.open(path.join(dir, "made"), "create"));
  await new Promise((resolve) => setImmediate(resolve));
  return dir;
}

async function lookUpAll(io: Io, dir: string): Promise<unknown[]> {
  return [
    await io.realPath(dir),
    (await io.stat(dir))?.kind,
    (await io.lstat(path.join(dir, "made")))?.kind,
    await io.lstat(path.join(dir, "absent")),
  ];
}

const local = async (): Promise<FileSystem> => ({ name: "ext4", local: true, persistent: true });
const remote = async (): Promise<FileSystem> => ({ name: "nfs", local: false, persistent: true });

test("in a local directory where a file was made they are made at once, with the same answers", async (t) => {
  const { io, atOnce } = watched(local);
  const dir = await writtenTo(t, io);
  assert.deepEqual(await lookUpAll(io, dir), [fs.realpathSync(dir), "directory", "file", undefined]);
  assert.deepEqual(atOnce, ["realPath", "stat", "lstat", "lstat"]);
});

test("in other directories they are not, nor where the file system is not local or can't be asked", async (t) => {
  const { io, atOnce } = watched(local);
  await writtenTo(t, io);
  await lookUpAll(io, tempDir(t));
  assert.deepEqual(atOnce, []);
  const failing = async (): Promise<FileSystem> => {
    throw new RangeError("no answer");
  };
  for (const on of [remote, failing]) {
    const other = watched(on);
    await lookUpAll(other.io, await writtenTo(t, other.io));
    assert.deepEqual(other.atOnce, []);
  }
});

test("the first bytes of the next file there are written at once, if they are not many", async (t) => {
  const sizes = [
    [[10], 1],
    [[512 * 1024], 1],
    [[512 * 1024 + 1], 0],
    [[10, 10, 10], 1],
    [[1024 * 1024, 10], 0],
  ] as const;
  for (const [on, counts] of [
    [local, sizes],
    [remote, sizes.map(([all]) => [all, 0] as const)],
  ] as const) {
    const { io, atOnce } = watched(on);
    const dir = await writtenTo(t, io);
    for (const [all, count] of counts) {
      atOnce.length = 0;
      const name = path.join(dir, `${all.join("-")}`);
      const file = await io.open(name, "create");
      let end = 0;
      for (const size of all) end += await io.write(file, new Uint8Array(size).fill(7), end);
      await io.close(file);
      assert.equal(atOnce.length, count, `${all}`);
      assert.ok(fs.readFileSync(name).every((byte) => byte === 7));
      assert.equal(fs.statSync(name).size, end);
    }
  }
});

test("a file that was opened, not made, is written through the pool, also with a number that was another's", async (t) => {
  const { io, atOnce } = watched(local);
  const dir = await writtenTo(t, io);
  const made = await io.open(path.join(dir, "new"), "create");
  await io.close(made);
  const file = await io.open(path.join(dir, "new"), "edit");
  assert.equal(file, made);
  assert.equal(await io.write(file, new Uint8Array(10), 0), 10);
  await io.close(file);
  assert.deepEqual(atOnce, []);
});
