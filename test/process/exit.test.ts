/** The last write of a process: synchronous, at its exit, with asynchronous ones still on their way. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { inChild, startChild } from "../support/child.ts";
import { seeded } from "../support/seeded.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const RUNS = 12;
const LANES = 3;

test("a writeFileSync in an exit hook is what the file has, whatever asynchronous writes were in flight", async (t) => {
  const random = seeded(t);
  const dir = tempDir(t);
  const runs = Array.from({ length: RUNS }, (_, run) => ({ file: path.join(dir, String(run)), turns: random.int(25) }));
  const exit = async ({ file, turns }: (typeof runs)[number]): Promise<void> => {
    const child = startChild(
      async ({ hf }, { file, turns }) => {
        process.on("exit", () => hf.writeFileSync(file, "at exit"));
        await hf.writeFile(file, "first");
        for (let nth = 0; nth < 3; nth++) void hf.writeFile(file, `asynchronous ${nth}`);
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        process.exit(0);
      },
      { file, turns },
    );
    await assert.rejects(child.result, /ended with 0/); // it says nothing any more
    assert.equal(fs.readFileSync(file, "utf8"), "at exit", `after ${turns} turns`);
  };
  // Some at a time: of many at once, Wine refuses to start some.
  const queue = runs.values();
  const lane = async (): Promise<void> => {
    for (const run of queue) await exit(run);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  // What was in flight may be left; nobody holds it, and the next writer removes it.
  await inChild(({ hf }, file) => void hf.writeFileSync(file, "swept"), path.join(dir, "last"));
  if (process.platform === "linux") assert.deepEqual(leftovers(dir), []);
});
