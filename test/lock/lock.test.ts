/** The object, its release, arguments, and the note in the file. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { acquireLock, Lock, tryLock, withLock } from "holdfast/lock";
import { lockNote, parseLockNote } from "../../dist/format/lock-note.js";
import { failing, readNote, systemError, withMachine, wrapped } from "../support/machines.ts";
import { openBelow, tempDir } from "../support/temp-dir.ts";

const lockIn = (t: TestContext): string => path.join(tempDir(t), "a.lock");

describe("a lock", () => {
  test("is released once, by whichever way, and closes its file", async (t) => {
    const lockPath = lockIn(t);
    const lock = await acquireLock(lockPath);
    assert.ok(lock instanceof Lock);
    assert.deepEqual([lock.path, lock.shared, lock.previousOwnerDied], [lockPath, false, false]);
    assert.equal(openBelow(lockPath).length, process.platform === "linux" ? 1 : 0);
    await Promise.all([lock.release(), lock.release(), lock[Symbol.asyncDispose]()]);
    assert.deepEqual(openBelow(lockPath), []);
    const next = await tryLock(lockPath);
    await lock.release();
    assert.equal(await tryLock(lockPath), undefined, "a second release does not free the lock of the next owner");
    await next?.[Symbol.asyncDispose]();
    await (await acquireLock(lockPath, { timeoutMs: 0 })).release();
  });

  test("withLock gives what its body gives, and releases also if that throws, now or later", async (t) => {
    const lockPath = lockIn(t);
    assert.equal(await withLock(lockPath, () => 7), 7);
    const thrown = new Error("mine");
    const failures = [
      () => {
        throw thrown;
      },
      async () => {
        throw thrown;
      },
    ];
    for (const body of failures) {
      await assert.rejects(withLock(lockPath, body), (error) => error === thrown);
      const lock = await acquireLock(lockPath, { timeoutMs: 0 });
      assert.equal(lock.previousOwnerDied, false);
      await lock.release();
    }
  });

  // updateFile said "unchanged" when only the close of the lock file had failed, after the file was replaced.
  test("that can't be closed properly is gone all the same: no error, and the line goes on", async (t) => {
    const lockPath = lockIn(t);
    const thrown = new Error("mine");
    const machine = wrapped((call, proceed) => {
      const reply = proceed();
      if (call.op === "dropLock") throw systemError("EIO", "close");
      return reply;
    });
    await withMachine(machine, async () => {
      const rejected = withLock(lockPath, () => {
        throw thrown;
      });
      await assert.rejects(rejected, (error) => error === thrown);
      assert.equal(await withLock(lockPath, () => 7, { timeoutMs: 0 }), 7);
      assert.deepEqual(openBelow(lockPath), []);
    });
  });

  test("whose note can't be written on release is free, and its owner counts as dead", async (t) => {
    const lockPath = lockIn(t);
    await withMachine(wrapped(failing("writeLockNote", "ENOSPC", 2)), async () => (await acquireLock(lockPath)).release());
    const lock = await acquireLock(lockPath, { timeoutMs: 0 });
    assert.equal(lock.previousOwnerDied, true);
    await lock.release();
  });

  test("whose note can't be written is not had: nothing stays open", async (t) => {
    const lockPath = lockIn(t);
    await withMachine(wrapped(failing("writeLockNote", "ENOSPC", 1)), async () => {
      await assert.rejects(acquireLock(lockPath), { code: "NO_SPACE", outcome: "unchanged" });
      assert.deepEqual(openBelow(lockPath), []);
      await (await acquireLock(lockPath, { timeoutMs: 0 })).release();
    });
  });

  test("of a file system without locks is UNSUPPORTED, and nothing waits for it", async (t) => {
    const lockPath = lockIn(t);
    const noLock = wrapped((call, proceed) => {
      if (call.op === "takeLock") throw systemError("Unknown system error -37", "fcntl");
      return proceed();
    });
    await withMachine(noLock, async () => {
      await assert.rejects(acquireLock(lockPath), { code: "UNSUPPORTED" });
      await assert.rejects(tryLock(lockPath), { code: "UNSUPPORTED" });
    });
  });
});

test("wrong arguments are refused before anything is made", async (t) => {
  const dir = tempDir(t);
  const lockPath = path.join(dir, "a.lock");
  const wrong = <T>(value: unknown): T => value as T;
  for (const options of [
    { timeoutMs: -1 },
    { timeoutMs: 1.5 },
    { timeoutMs: 86_400_001 },
    { timeoutMs: Number.NaN },
    { shared: "yes" },
    { signal: {} },
  ]) {
    await assert.rejects(acquireLock(lockPath, wrong(options)), RangeError, JSON.stringify(options));
    await assert.rejects(
      withLock(lockPath, () => {}, wrong(options)),
      RangeError,
    );
  }
  for (const options of [{ timeout: 5 }, [], "shared", null])
    await assert.rejects(acquireLock(lockPath, wrong(options)), TypeError);
  await assert.rejects(tryLock(lockPath, wrong({ timeoutMs: 5 })), /unknown option "timeoutMs"; known are shared/);
  for (const given of ["", "a\0b", 5, undefined]) await assert.rejects(acquireLock(wrong(given)), TypeError);
  await assert.rejects(withLock(lockPath, wrong(undefined)), TypeError);
  assert.deepEqual(fs.readdirSync(dir), []);
});

describe("the note", () => {
  test("is 256 bytes that say who has the lock, and then that it is free", async (t) => {
    const lockPath = lockIn(t);
    const before = Date.now();
    const lock = await acquireLock(lockPath);
    const held = readNote(lockPath);
    await lock.release();
    const free = readNote(lockPath);
    const [, json = ""] = /^holdfast-lock 1 (\{.*\}) *\n$/.exec(held) ?? [];
    const { since, ...owner } = JSON.parse(json) as { since: string };
    assert.deepEqual(owner, { pid: process.pid, host: os.hostname() });
    assert.ok(Date.parse(since) >= before && Date.parse(since) <= Date.now());
    assert.match(free, /^holdfast-lock 1 free *\n$/);
    assert.deepEqual([held.length, free.length], [256, 256]);
  });

  test("is not written by those who share", async (t) => {
    const lockPath = lockIn(t);
    await (await acquireLock(lockPath, { shared: true })).release();
    assert.equal(fs.statSync(lockPath).size, 0);
  });

  test("cut short at any byte is never the note of another owner, nor a reason to fail", () => {
    const owner = { pid: 1234, host: "h".repeat(300), since: new Date(0).toISOString() };
    const note = lockNote(owner);
    assert.equal(note.length, 256);
    assert.deepEqual(parseLockNote(note), { state: "held", owner: { ...owner, host: "h".repeat(64) } });
    assert.deepEqual(parseLockNote(lockNote(undefined)), { state: "free" });
    for (let length = "holdfast-lock 1 ".length + 1; length < note.trimEnd().length; length++)
      assert.deepEqual(parseLockNote(note.slice(0, length)), { state: "held", owner: undefined }, note.slice(0, length));
    assert.deepEqual(parseLockNote(""), { state: "new" });
    assert.deepEqual(parseLockNote("\0".repeat(256)), { state: "held", owner: undefined }, "lost in a power loss");
    for (const text of ["\n", "\0", "\0".repeat(255), "\0".repeat(257)])
      assert.deepEqual(parseLockNote(text), { state: "foreign" });
    assert.deepEqual(parseLockNote("holdfast-lock 2 {}"), { state: "foreign" });
    assert.deepEqual(parseLockNote('holdfast-lock 1 {"pid":"1"}'), { state: "held", owner: undefined });
  });
});
