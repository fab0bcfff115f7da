/** Which look-ups are made on this thread (src/io/lookups.ts): those in local directories where a file was made, no others. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { FileSystem, Io, Machine } from "../../dist/io/io.js";
import { lookingUpAtOnce } from "../../dist/io/lookups.js";
import { nodeMachine } from "../../dist/io/node.js";
import { wrapIo } from "../support/machines.ts";
import { tempDir } from "../support/temp-dir.ts";

const LOOK_UPS: readonly string[] = ["lstat", "realPath", "stat"];

/** The real machine, told that every directory is on `on`, and the look-ups that went to its synchronous form. */
function watched(on: () => Promise<FileSystem>): { readonly io: Io; readonly atOnce: string[] } {
  const atOnce: string[] = [];
  const { io, sync } = nodeMachine();
  const machine: Machine = {
    io: { ...io, fileSystem: on },
    sync: wrapIo(sync, (call, proceed) => {
      if (LOOK_UPS.includes(call.op)) atOnce.push(call.op);
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
