/** Never two owners: processes, threads, callers of one process. */
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { acquireLock, tryLock, withLock } from "holdfast/lock";
import { startChild } from "../support/child.ts";
import { tempDir } from "../support/temp-dir.ts";
import { witnessed } from "../support/witness.ts";

const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

function scene(t: TestContext): { readonly lockPath: string; readonly counter: string } {
  const dir = tempDir(t);
  const counter = path.join(dir, "counter");
  fs.writeFileSync(counter, "0");
  return { lockPath: path.join(dir, "a.lock"), counter };
}

const count = (counter: string): number => Number(fs.readFileSync(counter, "utf8"));

describe("a lock has one owner", () => {
  test("of 8 processes: 8 x 40 increments of a plain file are all there", async (t) => {
    const at = scene(t);
    const children = Array.from({ length: 8 }, () =>
      startChild(async ({ locks, fs, witnessed, say, heard }, { lockPath, counter }) => {
        say("ready");
        await heard();
        for (let round = 0; round < 40; round++) {
          const lock = await locks.acquireLock(lockPath, { timeoutMs: 60_000 });
          await witnessed(lock, async () => {
            const before = Number(fs.readFileSync(counter, "utf8"));
            await new Promise((resolve) => setImmediate(resolve));
            fs.writeFileSync(counter, String(before + 1));
          });
          await lock.release();
        }
      }, at),
    );
    t.after(() => Promise.all(children.map((child) => child.kill())));
    for (const child of children) assert.equal(await child.next(), "ready");
    for (const child of children) child.tell("go");
    await Promise.all(children.map(({ result }) => result));
    assert.equal(count(at.counter), 320);
  });

  test("of 4 worker threads", async (t) => {
    const at = scene(t);
    const main = new URL("../support/lock-worker.js", import.meta.url);
    const workers = Array.from({ length: 4 }, () => new Worker(main, { workerData: { ...at, rounds: 25 } }));
    await Promise.all(workers.map((worker) => once(worker, "exit")));
    assert.equal(count(at.counter), 100);
  });

  test("of 100 callers of one process, two spellings of the path", async (t) => {
    const at = scene(t);
    const spellings = [at.lockPath, path.relative(process.cwd(), at.lockPath)] as const;
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        withLock(spellings[index % 2 === 0 ? 0 : 1], (lock) =>
          witnessed(lock, async () => {
            const before = count(at.counter);
            await turn();
            fs.writeFileSync(at.counter, String(before + 1));
          }),
        ),
      ),
    );
    assert.equal(count(at.counter), 100);
  });

  test("the witness sees two that have none", async (t) => {
    const owner = { path: scene(t).lockPath, previousOwnerDied: false };
    await assert.rejects(
      witnessed(owner, () => witnessed(owner, () => {})),
      { code: "EEXIST" },
    );
  });

  test("a thread that ends has released what it held", async (t) => {
    const { lockPath } = scene(t);
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      import(workerData.entry).then(async ({ acquireLock }) => {
        await acquireLock(workerData.lockPath);
        parentPort.postMessage("held");
        setInterval(() => {}, 1000);
      });`;
    const worker = new Worker(code, { eval: true, workerData: { lockPath, entry: import.meta.resolve("holdfast/lock") } });
    await once(worker, "message");
    assert.equal(await tryLock(lockPath), undefined);
    await worker.terminate();
    const lock = await acquireLock(lockPath, { timeoutMs: 5000 });
    assert.equal(lock.previousOwnerDied, true);
    await lock.release();
  });
});

describe("shared and exclusive", () => {
  test("of two processes: shared with shared, and nothing else together", async (t) => {
    const { lockPath } = scene(t);
    const other = startChild(async ({ locks, say, heard }, lockPath) => {
      for (const shared of [true, false]) {
        const lock = await locks.acquireLock(lockPath, { shared, timeoutMs: 30_000 });
        say("held");
        await heard();
        await lock.release();
        say("released");
        await heard();
      }
    }, lockPath);
    t.after(() => other.kill());

    assert.equal(await other.next(), "held");
    const beside = await tryLock(lockPath, { shared: true });
    assert.equal(beside?.shared, true);
    assert.equal(await tryLock(lockPath), undefined, "two have it shared");
    await beside?.release();
    assert.equal(await tryLock(lockPath), undefined, "one has it shared");
    other.tell("release");
    assert.equal(await other.next(), "released");
    const alone = await tryLock(lockPath);
    assert.equal(alone?.shared, false);
    assert.equal(await tryLock(lockPath, { shared: true }), undefined);
    await alone?.release();
    other.tell("go on");

    assert.equal(await other.next(), "held");
    assert.equal(await tryLock(lockPath, { shared: true }), undefined, "the other has it alone");
    other.tell("release");
    assert.equal(await other.next(), "released");
    await (await acquireLock(lockPath, { shared: true })).release();
    other.tell("end");
    await other.result;
  });
});

describe("callers of one process", () => {
  test("are served in the order in which they came, neighbours that share it together", async (t) => {
    const { lockPath } = scene(t);
    const first = await acquireLock(lockPath);
    const log: string[] = [];
    const waiting = [false, true, true, false, true, false].map((shared, index) =>
      withLock(
        lockPath,
        async () => {
          log.push(`+${index}`);
          await turn();
          await turn();
          log.push(`-${index}`);
        },
        { shared },
      ),
    );
    await turn();
    assert.equal(await tryLock(lockPath), undefined);
    assert.equal(log.length, 0);
    await first.release();
    await Promise.all(waiting);
    const order = log.filter((entry) => entry.startsWith("+"));
    assert.deepEqual(order, ["+0", "+1", "+2", "+3", "+4", "+5"]);
    assert.ok(log.indexOf("+2") < log.indexOf("-1"), "the two that share were in together");
    for (const alone of [0, 3, 5]) assert.equal(log.indexOf(`-${alone}`), log.indexOf(`+${alone}`) + 1, `${alone} was alone`);
  });

  test("who wants to share does not overtake who waits to have it alone", async (t) => {
    const { lockPath } = scene(t);
    const reader = await acquireLock(lockPath, { shared: true });
    const writer = acquireLock(lockPath);
    assert.equal(await tryLock(lockPath, { shared: true }), undefined);
    await reader.release();
    await (await writer).release();
    const next = await tryLock(lockPath, { shared: true });
    assert.equal(next?.shared, true);
    await next?.release();
  });
});
