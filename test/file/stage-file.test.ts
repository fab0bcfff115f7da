/** A staged file is all or nothing, and over after one commit or discard. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { stageFile, writeFile } from "holdfast";
import { failing, withMachine, wrapped } from "../support/machines.ts";
import { needsFreeNames, needsPosix } from "../support/needs.ts";
import { allClosed, leftovers, openBelow, tempDir } from "../support/temp-dir.ts";

function withOldFile(t: TestContext): { dir: string; file: string } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, "old");
  return { dir, file };
}

describe("a staged file", () => {
  test("is seen by nobody before its commit, and whole after it", async (t) => {
    const { dir, file } = withOldFile(t);
    const staged = await stageFile(file);
    assert.equal(staged.path, file);
    for (const piece of ["one ", Buffer.from("two "), ["three ", "four"]]) {
      await staged.write(piece);
      assert.equal(fs.readFileSync(file, "utf8"), "old");
    }
    assert.equal(staged.sizeBytes, 18);
    assert.deepEqual(await staged.commit(), { sizeBytes: 18, durability: "durable", notKept: [], superseded: false });
    assert.equal(fs.readFileSync(file, "utf8"), "one two three four");
    assert.deepEqual(leftovers(dir), []);
    await allClosed(dir);
  });

  test("takes writes that are not awaited in the order they were called, and commits after them", async (t) => {
    const { file } = withOldFile(t);
    const staged = await stageFile(file);
    const pieces = Array.from({ length: 50 }, (_, index) => `${index} `.repeat((index % 7) + 1));
    const writes = pieces.map((piece, index) => staged.write(index % 3 === 0 ? [piece] : piece));
    await staged.commit();
    await Promise.all(writes);
    assert.equal(fs.readFileSync(file, "utf8"), pieces.join(""));
  });

  test("that is discarded leaves the old file and nothing else, however often", async (t) => {
    const { dir, file } = withOldFile(t);
    const staged = await stageFile(file);
    await staged.write("new");
    await Promise.all([staged.discard(), staged.discard()]);
    await staged.discard();
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(fs.readdirSync(dir), ["file"]);
    await allClosed(dir);
  });

  test("of nothing makes an empty file", async (t) => {
    const { file } = withOldFile(t);
    assert.equal((await (await stageFile(file)).commit()).sizeBytes, 0);
    assert.equal(fs.readFileSync(file, "utf8"), "");
  });

  test("is over after commit: CLOSED for all that follows, and discard does nothing", async (t) => {
    const { file } = withOldFile(t);
    const staged = await stageFile(file);
    await staged.write("new");
    await staged.commit();
    await assert.rejects(staged.commit(), { code: "CLOSED", kind: "closed", outcome: "unchanged", path: file });
    await assert.rejects(staged.write("more"), { code: "CLOSED" });
    await staged.discard();
    assert.equal(fs.readFileSync(file, "utf8"), "new");
  });

  test("is over after discard", async (t) => {
    const { file } = withOldFile(t);
    const staged = await stageFile(file);
    await staged.discard();
    await assert.rejects(staged.commit(), { code: "CLOSED" });
    await assert.rejects(staged.write("more"), { code: "CLOSED" });
    assert.equal(fs.readFileSync(file, "utf8"), "old");
  });

  test("committed twice at once lands once", async (t) => {
    const { file } = withOldFile(t);
    const staged = await stageFile(file);
    await staged.write("new");
    const results = await Promise.allSettled([staged.commit(), staged.commit(), staged.discard()]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal(fs.readFileSync(file, "utf8"), "new");
  });

  test("is discarded at the end of its block unless it was committed", async (t) => {
    const { dir, file } = withOldFile(t);
    const uncommitted = await stageFile(file);
    await uncommitted.write("new");
    await uncommitted[Symbol.asyncDispose]();
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(leftovers(dir), []);
    const committed = await stageFile(file);
    await committed.write("new");
    await committed.commit();
    await committed[Symbol.asyncDispose]();
    assert.equal(fs.readFileSync(file, "utf8"), "new");
    assert.ok(Symbol.asyncDispose, "so `await using` works");
  });

  test("holds one descriptor while it is open, and none after", { skip: needsPosix }, async (t) => {
    const { dir, file } = withOldFile(t);
    await writeFile(file, "old");
    await allClosed(dir);
    const staged = await stageFile(file);
    if (process.platform === "linux") assert.equal(openBelow(dir).length, 1);
    await staged.commit();
    await allClosed(dir);
  });

  test("keeps its target when the working directory changes", async (t) => {
    const { dir, file } = withOldFile(t);
    const before = process.cwd();
    t.after(() => process.chdir(before));
    process.chdir(dir);
    const staged = await stageFile("file");
    process.chdir(before);
    await staged.write("new");
    await staged.commit();
    assert.equal(fs.readFileSync(file, "utf8"), "new");
  });

  test("whose directory is gone at commit fails and changes nothing", { skip: needsFreeNames }, async (t) => {
    const { dir } = withOldFile(t);
    const sub = path.join(dir, "sub");
    fs.mkdirSync(sub);
    const staged = await stageFile(path.join(sub, "file"));
    fs.rmSync(sub, { recursive: true });
    await assert.rejects(staged.commit());
    assert.deepEqual(fs.readdirSync(dir), ["file"]);
    await allClosed(dir);
  });
});

describe("a staged file that fails", () => {
  for (const [op, errno, code, by] of [
    ["write", "ENOSPC", "NO_SPACE", "write"],
    ["write", "EIO", "IO", "write"],
    ["syncFile", "EIO", "SYNC_FAILED", "commit"],
    ...(needsPosix ? [] : [["setMode", "EIO", "IO", "commit"] as const]),
    ["rename", "EACCES", needsFreeNames ? "BUSY" : "PERMISSION", "commit"], // Windows: somebody may hold the target
  ] as const) {
    test(`${op} ${errno}: ${by} says ${code}, and it is over and gone`, async (t) => {
      const { dir, file } = withOldFile(t);
      fs.chmodSync(file, 0o666);
      await withMachine(wrapped(failing(op, errno)), async () => {
        const staged = await stageFile(file, { busyTimeoutMs: 100 });
        const work = by === "write" ? staged.write("new") : staged.write("new").then(() => staged.commit());
        await assert.rejects(work, { code, outcome: "unchanged" });
        await assert.rejects(staged.commit(), { code: "CLOSED" });
        await assert.rejects(staged.write("more"), { code: "CLOSED" });
        await staged.discard();
      });
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      assert.deepEqual(leftovers(dir), []);
      await allClosed(dir);
    });
  }

  test("writes that wait behind a failed one fail too: no gap in the content", async (t) => {
    const { dir, file } = withOldFile(t);
    await withMachine(wrapped(failing("write", "ENOSPC", 2)), async () => {
      const staged = await stageFile(file);
      const results = await Promise.allSettled([staged.write("a"), staged.write("b"), staged.write("c"), staged.commit()]);
      assert.deepEqual(
        results.map((result) => (result.status === "rejected" ? result.reason.code : "ok")),
        ["ok", "NO_SPACE", "CLOSED", "CLOSED"],
      );
    });
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(leftovers(dir), []);
  });

  test("data that is no content is refused, and it goes on", async (t) => {
    const { file } = withOldFile(t);
    const staged = await stageFile(file);
    await assert.rejects(staged.write(undefined as unknown as string), TypeError);
    await staged.write("new");
    await staged.commit();
    assert.equal(fs.readFileSync(file, "utf8"), "new");
  });
});
