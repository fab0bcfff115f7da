/** The Writable: "finish" is after the commit, and whatever else ends it leaves the old file. */
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { Readable, Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, type TestContext, test } from "node:test";
import { createGunzip, gzipSync } from "node:zlib";
import { createWriteStream } from "holdfast";
import { failing, withMachine, wrapped } from "../support/machines.ts";
import { allClosed, leftovers, tempDir } from "../support/temp-dir.ts";

function withOldFile(t: TestContext): { file: string; unchanged: () => Promise<void> } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, "old");
  return {
    file,
    async unchanged() {
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      assert.deepEqual(leftovers(dir), []);
      await allClosed(dir);
    },
  };
}

describe("a write stream", () => {
  test('has replaced the file when "finish" is emitted, and not before the end', async (t) => {
    const { file } = withOldFile(t);
    const stream = createWriteStream(file);
    assert.ok(stream instanceof Writable);
    stream.write("one ");
    await new Promise((resolve) => stream.write(Buffer.from("two "), resolve));
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    let atFinish = "";
    stream.once("finish", () => {
      atFinish = fs.readFileSync(file, "utf8");
    });
    stream.end("three");
    await once(stream, "close");
    assert.equal(atFinish, "one two three");
    assert.deepEqual(leftovers(path.dirname(file)), []);
  });

  test("takes a pipeline of any size", async (t) => {
    const { file } = withOldFile(t);
    const content = Buffer.alloc(3_000_000, "some text that repeats, ");
    await pipeline(Readable.from([gzipSync(content)]), createGunzip(), createWriteStream(file));
    assert.ok(fs.readFileSync(file).equals(content));
  });

  test("that is ended at once makes an empty file", async (t) => {
    const { file } = withOldFile(t);
    const stream = createWriteStream(file).end();
    await once(stream, "finish");
    assert.equal(fs.statSync(file).size, 0);
  });

  test("a source of the pipeline that fails leaves the old file", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const source = Readable.from(
      (async function* () {
        yield "x".repeat(100_000);
        throw new Error("half way");
      })(),
    );
    await assert.rejects(pipeline(source, createWriteStream(file)), /half way/);
    await unchanged();
  });

  test("a middle of the pipeline that fails leaves the old file", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const broken = new Transform({ transform: (_chunk, _encoding, done) => done(new Error("broken")) });
    await assert.rejects(pipeline(Readable.from(["a", "b"]), broken, createWriteStream(file)), /broken/);
    await unchanged();
  });

  test("that is destroyed, before or after it was written to, leaves the old file", async (t) => {
    for (const error of [undefined, new Error("changed my mind")]) {
      for (const written of [false, true]) {
        const { file, unchanged } = withOldFile(t);
        const stream = createWriteStream(file);
        const errors: unknown[] = [];
        stream.on("error", (caught) => errors.push(caught));
        if (written) await new Promise((resolve) => stream.write("new", resolve));
        stream.destroy(error);
        await new Promise((resolve) => stream.once("close", resolve));
        assert.deepEqual(errors, error ? [error] : []);
        await unchanged();
      }
    }
  });

  test("that can't be opened emits the reason, once", async (t) => {
    const { file, unchanged } = withOldFile(t);
    for (const [at, code] of [
      [path.join(path.dirname(file), "absent", "file"), "NOT_FOUND"],
      [path.join(path.dirname(file), "n".repeat(256)), "INVALID_NAME"],
    ] as const) {
      const stream = createWriteStream(at);
      stream.write("never");
      const [error] = await once(stream, "error");
      assert.equal(error.code, code);
    }
    await unchanged();
  });

  for (const [op, errno, code] of [
    ["open", "EMFILE", "TOO_MANY_FILES"],
    ["write", "ENOSPC", "NO_SPACE"],
    ["syncFile", "EIO", "SYNC_FAILED"],
    ["rename", "EXDEV", "IO"],
  ] as const) {
    test(`rejects the pipeline with ${code} when ${op} fails with ${errno}, and leaves the old file`, async (t) => {
      const { file, unchanged } = withOldFile(t);
      const source = Readable.from(["a".repeat(100_000), "b"]);
      await withMachine(wrapped(failing(op, errno)), () =>
        assert.rejects(pipeline(source, createWriteStream(file)), { code, outcome: "unchanged" }),
      );
      assert.ok(source.destroyed);
      await unchanged();
    });
  }

  test("stays on the machine it was opened on", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const stream = withMachine(wrapped(failing("syncFile", "EIO")), () => createWriteStream(file));
    stream.end("new");
    const [error] = await once(stream, "error");
    assert.equal(error.code, "SYNC_FAILED");
    await unchanged();
  });

  test("obeys mode and ifAbsent", async (t) => {
    const { file, unchanged } = withOldFile(t);
    await assert.rejects(pipeline(Readable.from(["new"]), createWriteStream(file, { ifAbsent: true })), { code: "EXISTS" });
    await unchanged();
    const fresh = path.join(path.dirname(file), "fresh");
    await pipeline(Readable.from(["new"]), createWriteStream(fresh, { ifAbsent: true, mode: 0o600 }));
    assert.equal(fs.statSync(fresh).mode & 0o600, 0o600);
    assert.equal(fs.readFileSync(fresh, "utf8"), "new");
  });
});
