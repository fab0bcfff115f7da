/** States that are saved soon: one at a time, the newest of those that wait, and what waits at the end of the process. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { isHoldfastError, writeFile } from "holdfast";
import { Checkpoint } from "holdfast/checkpoint";
import { inRun, loaded, type State, savedUpTo } from "../support/checkpoints.ts";
import { startChild } from "../support/child.ts";
import { failing, freshMachine, withMachine } from "../support/machines.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("saveSoon", () => {
  it("saves at most what is under way and the newest that waits", async (t) => {
    const dir = tempDir(t);
    await inRun(dir, async (checkpoint) => {
      const first = checkpoint.saveSoon({ count: 0 });
      await new Promise((resolve) => setImmediate(resolve)); // it is under way
      const waiting = Array.from({ length: 1000 }, (_, index) => checkpoint.saveSoon({ count: index + 1 }));
      await checkpoint.flush();
      assert.equal((await first).generation, 1);
      assert.deepEqual(new Set((await Promise.all(waiting)).map(({ generation }) => generation)), new Set([2]));
    });
    const found = await loaded(dir);
    assert.ok(found.status === "ok" && found.state.count === 1000 && found.generation === 2);
  });

  it("turns a state into bytes when its turn comes, and save overtakes what waits", async (t) => {
    const dir = tempDir(t);
    await inRun<void, { count: number }>(dir, async (checkpoint) => {
      const state = { count: 1 };
      const soon = checkpoint.saveSoon(state);
      state.count = 2;
      assert.equal((await soon).generation, 1);
      const found = await checkpoint.load();
      assert.ok(found.status === "ok" && found.state.count === 2);
      void checkpoint.saveSoon({ count: 3 });
      await new Promise((resolve) => setImmediate(resolve));
      const overtaken = checkpoint.saveSoon({ count: 4 });
      assert.deepEqual(await checkpoint.save({ count: 5 }), await overtaken);
    });
    const found = await loaded(dir);
    assert.ok(found.status === "ok" && found.state.count === 5 && found.generation === 3);
  });

  it("what waits is not lost with a save that overtakes it and fails", async (t) => {
    const dir = tempDir(t);
    await inRun<void, unknown>(dir, async (checkpoint) => {
      void checkpoint.saveSoon({ count: 1 });
      await new Promise((resolve) => setImmediate(resolve));
      const waiting = checkpoint.saveSoon({ count: 2 });
      await assert.rejects(checkpoint.save(undefined), TypeError);
      assert.equal((await waiting).generation, 2);
    });
    const found = await loaded(dir);
    assert.ok(found.status === "ok" && found.state.count === 2);
  });

  it("a failure that nobody waited for is thrown by flush and close, and tried once more by each", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 1);
    await withMachine(freshMachine(failing("write", "ENOSPC", 1)), async () => {
      await inRun(dir, async (checkpoint) => {
        await assert.rejects(checkpoint.saveSoon({ count: 2 }), (error) => isHoldfastError(error, "NO_SPACE"));
        await checkpoint.flush();
      });
    });
    assert.equal(((await loaded(dir)) as { state?: State }).state?.count, 2);
    await withMachine(freshMachine(failing("write", "ENOSPC")), async () => {
      const checkpoint = await Checkpoint.open<State>(dir);
      void checkpoint.saveSoon({ count: 3 });
      await assert.rejects(checkpoint.flush(), (error) => isHoldfastError(error, "NO_SPACE"));
      await assert.rejects(checkpoint.close(), (error) => isHoldfastError(error, "NO_SPACE"));
    });
    await (await Checkpoint.open(dir)).close(); // the lock was given back all the same
  });
});

describe("the end of the process", () => {
  it("saves what waits, after anything that is under way", async (t) => {
    const dir = tempDir(t);
    const runs = [0, 1, 3, 10].map(async (turns) => {
      const own = path.join(dir, String(turns));
      const child = startChild(
        async ({ checkpoints }, { dir, turns }) => {
          const checkpoint = await checkpoints.Checkpoint.open(dir);
          await checkpoint.save({ count: 1 });
          for (let count = 2; count <= 9; count++) {
            checkpoint.saveSoon({ count });
            for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
          }
          process.exit(0);
        },
        { dir: own, turns },
      );
      await assert.rejects(child.result, /ended with 0: $/);
      const found = await loaded(own);
      assert.ok(found.status === "ok" && found.state.count === 9, `after ${turns} turns: ${JSON.stringify(found)}`);
    });
    await Promise.all(runs);
  });

  it("writes a file with flushAtExit, once and last; without it nothing comes of what waits", async (t) => {
    const dir = tempDir(t);
    for (const flushAtExit of [true, false]) {
      const file = path.join(dir, String(flushAtExit));
      fs.writeFileSync(file, "old");
      const child = startChild(
        ({ hf }, { file, flushAtExit }) => {
          for (let nth = 0; nth <= 100; nth++) void hf.writeFile(file, `text ${nth}`, { coalesce: true, flushAtExit });
          process.exit(0);
        },
        { file, flushAtExit },
      );
      await assert.rejects(child.result, /ended with 0: $/);
      assert.equal(fs.readFileSync(file, "utf8"), flushAtExit ? "text 100" : "old");
    }
    const file = path.join(dir, "file");
    await assert.rejects(writeFile(file, ["a"], { flushAtExit: true }), TypeError);
    await assert.rejects(writeFile(file, "a", { flushAtExit: true, ifAbsent: true }), TypeError);
    await writeFile(file, "landed", { flushAtExit: true });
    assert.equal(process.listenerCount("exit") <= 2, true, "nothing is left to be done at the end");
  });
});
