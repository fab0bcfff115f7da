/** Waiting ends: with the lock, in time, or by an abort. It holds nothing else up meanwhile. */
import assert from "node:assert/strict";
import { pbkdf2 } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { acquireLock, tryLock, withLock } from "holdfast/lock";
import { type Child, inChild, startChild } from "../support/child.ts";
import { readNote } from "../support/machines.ts";
import { tempDir } from "../support/temp-dir.ts";

const lockIn = (t: TestContext): string => path.join(tempDir(t), "a.lock");

/** A process that has these locks until it is told. */
async function holder(t: TestContext, ...paths: readonly string[]): Promise<Child<void>> {
  const child = startChild(async ({ locks, say, heard }, paths) => {
    const held = await Promise.all(paths.map((path) => locks.acquireLock(path)));
    say("held");
    await heard();
    await Promise.all(held.map((lock) => lock.release()));
    await heard();
  }, paths);
  t.after(() => child.kill());
  assert.equal(await child.next(), "held");
  return child;
}

describe("a wait", () => {
  test("that is too long is LOCKED, says who has it, and has changed nothing", async (t) => {
    const lockPath = lockIn(t);
    const other = await holder(t, lockPath);
    const note = readNote(lockPath);
    const since = /"since":"([^"]+)"/.exec(note)?.[1];
    for (const timeoutMs of [0, 60]) {
      await assert.rejects(acquireLock(lockPath, { timeoutMs }), {
        name: "HoldfastError",
        code: "LOCKED",
        kind: "conflict",
        outcome: "unchanged",
        path: lockPath,
        details: { waitedMs: timeoutMs, pid: other.process.pid, host: os.hostname(), since },
      });
    }
    assert.equal(await tryLock(lockPath), undefined);
    assert.equal(readNote(lockPath), note);
  });

  test("for a caller of this process is LOCKED too, and the line goes on behind it", async (t) => {
    const lockPath = lockIn(t);
    const first = await acquireLock(lockPath);
    const impatient = assert.rejects(acquireLock(lockPath, { timeoutMs: 1 }), (error: { details: { pid: number } }) => {
      assert.equal(error.details.pid, process.pid);
      return true;
    });
    const patient = acquireLock(lockPath);
    await impatient;
    await first.release();
    await (await patient).release();
  });

  test("counts from the call: time in the line of this process, and then for another one", async (t) => {
    const lockPath = lockIn(t);
    const other = await holder(t, lockPath);
    const inFront = assert.rejects(acquireLock(lockPath, { timeoutMs: 100 }), { code: "LOCKED" });
    await assert.rejects(acquireLock(lockPath, { timeoutMs: 300 }), /after waiting 300 ms/);
    await inFront;
    other.tell("release");
  });

  test("ends by an abort: before it begins, in the line, and while another process has the lock", async (t) => {
    const lockPath = lockIn(t);
    const aborted = { code: "ABORTED", name: "AbortError", outcome: "unchanged", cause: "enough" };
    await assert.rejects(acquireLock(lockPath, { signal: AbortSignal.abort("enough") }), aborted);
    assert.equal(fs.existsSync(lockPath), false, "an aborted call makes no lock file");
    const other = await holder(t, lockPath);
    const control = new AbortController();
    const polling = assert.rejects(acquireLock(lockPath, { signal: control.signal, timeoutMs: 60_000 }), aborted);
    const inLine = assert.rejects(acquireLock(lockPath, { signal: control.signal, timeoutMs: 60_000 }), aborted);
    await new Promise((resolve) => setImmediate(resolve));
    control.abort("enough");
    await Promise.all([polling, inLine]);
    await assert.rejects(acquireLock(lockPath, { signal: control.signal }), aborted);
    const next = acquireLock(lockPath);
    other.tell("release");
    await (await next).release();
  });

  // An abort left the timer of a wait in the line: the process stayed for the whole time, and then ended with an error that
  // nobody could catch.
  test("that was aborted leaves no timer", async (t) => {
    const timers = await inChild(async ({ locks }, lockPath) => {
      await locks.acquireLock(lockPath);
      const control = new AbortController();
      const late = locks.acquireLock(lockPath, { signal: control.signal, timeoutMs: 60_000 }).catch(() => {});
      control.abort();
      await late;
      await locks.acquireLock(lockPath, { signal: control.signal, timeoutMs: 60_000 }).catch(() => {});
      return process.getActiveResourcesInfo().filter((name) => name === "Timeout");
    }, lockIn(t));
    assert.deepEqual(timers, []);
  });

  test("of 100 callers for 100 locks takes no thread of the pool: files and hashes go on", async (t) => {
    const dir = tempDir(t);
    const paths = Array.from({ length: 100 }, (_, index) => path.join(dir, `${index}.lock`));
    const other = await holder(t, ...paths);
    let got = 0;
    const waiting = paths.map(async (lockPath) => {
      const lock = await acquireLock(lockPath, { timeoutMs: 60_000 });
      got++;
      await lock.release();
    });
    for (let index = 0; index < 30; index++) {
      const file = path.join(dir, `file-${index}`);
      await fs.promises.writeFile(file, String(index));
      assert.equal(await fs.promises.readFile(file, "utf8"), String(index));
      await promisify(pbkdf2)("secret", "salt", 100, 16, "sha256");
    }
    assert.equal(got, 0, "all of it was done while all waited");
    other.tell("release");
    await Promise.all(waiting);
    assert.equal(got, 100);
  });

  test("is not lost by a holder whose event loop stands still: it is served only after the release", async (t) => {
    const lockPath = lockIn(t);
    const marker = `${lockPath}.marker`;
    const busy = startChild(
      async ({ locks, fs, say }, { lockPath, marker }) => {
        const lock = await locks.acquireLock(lockPath);
        say("held");
        const end = performance.now() + 1500;
        while (performance.now() < end);
        fs.writeFileSync(marker, "");
        await lock.release();
      },
      { lockPath, marker },
    );
    t.after(() => busy.kill());
    assert.equal(await busy.next(), "held");
    await withLock(lockPath, (lock) => {
      assert.ok(fs.existsSync(marker), "the lock was had before it was released");
      assert.equal(lock.previousOwnerDied, false);
    });
    await busy.result;
  });
});
