/**
 * Parallel writers of one staged directory. A directory that is removed, or published, while some still write is how half of a
 * build gets out, or files appear in a place that was given up.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { isHoldfastError, stageDirectory } from "holdfast";
import { leftovers, tempDir } from "../support/temp-dir.ts";

/** Writes its share of 1,000 files, slowly. */
async function slowly(write: (name: string) => Promise<void>, from: number): Promise<void> {
  for (let index = from; index < from + 250; index++) {
    await write(`f${index}`);
    if (index % 25 === 0) await wait(50);
  }
}

describe("4 writers, 1,000 files, of which one fails at once while the others need 500 ms", () => {
  it("the commit rejects when all have settled, nothing appears afterwards, the retry succeeds", async (t) => {
    const out = path.join(tempDir(t), "out");
    fs.mkdirSync(out);
    fs.writeFileSync(path.join(out, "old"), "old");
    const staged = await stageDirectory(out, { replace: true });
    let settled = 0;
    const write = (name: string): Promise<void> => staged.writeFile(name, "x");
    void staged.track(Promise.reject(new RangeError("the first of all errors")));
    for (const from of [250, 500, 750]) {
      const writer = slowly(write, from).finally(() => settled++);
      void staged.track(writer);
    }
    await assert.rejects(staged.commit(), (error) => {
      assert.equal(settled, 3, "all have settled before");
      assert.ok(isHoldfastError(error, "WRITER_FAILED") && error.outcome === "unchanged");
      assert.equal((error.cause as Error).message, "the first of all errors");
      return true;
    });
    assert.deepEqual(fs.readdirSync(path.dirname(out)), ["out"]);
    assert.deepEqual(fs.readdirSync(out), ["old"]);

    const again = await stageDirectory(out, { replace: true });
    for (const from of [0, 250, 500, 750]) void again.track(slowly((name) => again.writeFile(name, "x"), from));
    const { fileCount } = await again.commit();
    assert.equal(fileCount, 1000);
    assert.equal(fs.readdirSync(out).length, 1000);
    assert.deepEqual(
      leftovers(path.dirname(out)).filter((name) => !name.startsWith(".holdfast-journal.lock")),
      [],
    );
  });
});

describe("the writers of a staged directory", () => {
  it("the first error is the cause, the others are counted and listed", async (t) => {
    const staged = await stageDirectory(path.join(tempDir(t), "out"));
    void staged.track(wait(1).then(() => Promise.reject(new Error("second"))));
    void staged.track(Promise.reject(new Error("first")));
    void staged.writeFile("a", "1");
    await staged.writeFile("b", "1");
    void staged.track(wait(2).then(() => Promise.reject(new Error("third"))));
    await assert.rejects(staged.commit(), (error) => {
      assert.ok(isHoldfastError(error, "WRITER_FAILED"));
      assert.equal((error.cause as Error).message, "first");
      assert.deepEqual(error.details, { alsoFailed: 2, others: ["second", "third"] });
      assert.match(error.message, /first\), and 2 more/);
      return true;
    });
  });

  it("are told by a signal when one has failed, or the directory is given up", async (t) => {
    const dir = tempDir(t);
    const staged = await stageDirectory(path.join(dir, "a"));
    assert.equal(staged.signal.aborted, false);
    await assert.rejects(staged.track(Promise.reject(new Error("no"))));
    assert.equal(staged.signal.aborted, true);
    await staged.discard();
    const other = await stageDirectory(path.join(dir, "b"));
    let stopped = false;
    void other.track(
      new Promise<void>((resolve) =>
        other.signal.addEventListener("abort", () => {
          stopped = true;
          resolve();
        }),
      ),
    );
    await other.discard();
    assert.equal(stopped, true);
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  it("may write more while the commit waits for them", async (t) => {
    const out = path.join(tempDir(t), "out");
    const staged = await stageDirectory(out);
    void staged.track(wait(5).then(() => staged.writeFile("late", "late")));
    const { fileCount } = await staged.commit();
    assert.equal(fileCount, 1);
    assert.equal(fs.readFileSync(path.join(out, "late"), "utf8"), "late");
  });

  it("a failed file fails the directory, and is nobody's unhandled rejection", async (t) => {
    const staged = await stageDirectory(path.join(tempDir(t), "out"));
    void staged.writeFile("a", "1");
    void staged.writeFile("a", "2");
    await assert.rejects(
      staged.commit(),
      (error) => isHoldfastError(error, "WRITER_FAILED") && error.details["code"] === "EXISTS",
    );
  });
});
