/**
 * A source that fails: the write rejects, nothing is left, and later writes of that path go on. In atomically such a write
 * never settles, leaves its file and descriptor, and all later writes of the path queue behind it.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { PassThrough, Readable } from "node:stream";
import { describe, type TestContext, test } from "node:test";
import { type Data, stageFile, writeFile, writeFileSync } from "holdfast";
import { inChild } from "../support/child.ts";
import { gate, slow, stalled } from "../support/sources.ts";
import { allClosed, leftovers, tempDir } from "../support/temp-dir.ts";

const reason = new Error("the network is gone");

function withOldFile(t: TestContext): { dir: string; file: string; unchanged: () => Promise<void> } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, "old");
  return {
    dir,
    file,
    async unchanged() {
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      assert.deepEqual(leftovers(dir), []);
      await allClosed(dir);
      await writeFile(file, "later");
      assert.equal(fs.readFileSync(file, "utf8"), "later");
    },
  };
}

const failed = { code: "SOURCE_FAILED", outcome: "unchanged", cause: reason };

describe("a source that fails", () => {
  test("an async generator that throws at once, in the middle, or at its end", async (t) => {
    for (const good of [0, 1, 5]) {
      const { file, unchanged } = withOldFile(t);
      const chunks = async function* (): AsyncGenerator<string> {
        for (let chunk = 0; chunk < good; chunk++) yield "x".repeat(70_000);
        throw reason;
      };
      await assert.rejects(writeFile(file, chunks()), failed);
      await unchanged();
    }
  });

  test("a generator, also for the synchronous and the staged form", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const chunks = function* (): Generator<string> {
      yield "x".repeat(70_000);
      throw reason;
    };
    await assert.rejects(writeFile(file, chunks()), failed);
    assert.throws(() => writeFileSync(file, chunks()), failed);
    const staged = await stageFile(file);
    await assert.rejects(staged.write(chunks()), failed);
    await assert.rejects(staged.commit(), { code: "CLOSED" });
    await unchanged();
  });

  test("an iterable whose iterator can't be had", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const broken = {
      [Symbol.asyncIterator]() {
        throw reason;
      },
    } as unknown as Data;
    await assert.rejects(writeFile(file, broken), failed);
    await unchanged();
  });

  test("a Node stream that fails before, or while it is read", async (t) => {
    for (const feed of ["", "x".repeat(100_000)]) {
      const { file, unchanged } = withOldFile(t);
      const stream = new PassThrough();
      const writing = writeFile(file, stream);
      if (feed) stream.write(feed, () => stream.destroy(reason));
      else stream.destroy(reason);
      await assert.rejects(writing, failed);
      await unchanged();
    }
  });

  test("a Node stream that had failed before it was given", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const stream = new PassThrough();
    stream.on("error", () => {});
    stream.destroy(reason);
    await assert.rejects(writeFile(file, stream), { code: "SOURCE_FAILED", outcome: "unchanged" });
    await unchanged();
  });

  test("a Node stream that is closed before its end is no end of data", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const stream = new PassThrough();
    stream.write("half of it");
    const writing = writeFile(file, stream);
    stream.destroy();
    await assert.rejects(writing, { code: "SOURCE_FAILED", outcome: "unchanged" });
    await unchanged();
  });

  test("a Node stream that fails while its write still waits in line ends no process", async (t) => {
    // Without a listener, "error" would be an uncaughtException: so this is seen in a process of its own.
    const { file } = withOldFile(t);
    const found = await inChild(async ({ hf, fs, settle }, file) => {
      const { Readable } = process.getBuiltinModule("node:stream");
      let open = (): void => {};
      const held = new Promise<void>((resolve) => (open = resolve));
      const first = hf.writeFile(
        file,
        (async function* () {
          await held;
          yield "first";
        })(),
      );
      const stream = new Readable({ read() {} });
      const second = settle(() => hf.writeFile(file, stream));
      stream.destroy(new Error("failed in line"));
      await new Promise((resolve) => stream.once("close", resolve));
      open();
      await first;
      const { failed } = await second;
      return { code: failed?.code, outcome: failed?.outcome, content: fs.readFileSync(file, "utf8") };
    }, file);
    assert.deepEqual(found, { code: "SOURCE_FAILED", outcome: "unchanged", content: "first" });
  });
});

describe("what nobody waits for any more", () => {
  test("a source that aborts its own write and then fails ends no process", async (t) => {
    // The failure was an unhandled rejection: the abort was reported, and the source's promise forgotten.
    const { file } = withOldFile(t);
    const found = await inChild(async ({ hf, settle }, file) => {
      const unhandled: unknown[] = [];
      process.on("unhandledRejection", (error) => unhandled.push(String(error)));
      const codes: (string | undefined)[] = [];
      for (const lateFailure of [false, true]) {
        const control = new AbortController();
        const source = async function* (): AsyncGenerator<string> {
          yield "part";
          control.abort();
          if (lateFailure) await new Promise((resolve) => setImmediate(resolve));
          throw new Error("and then it failed");
        };
        const { failed } = await settle(() => hf.writeFile(file, source(), { signal: control.signal }));
        codes.push(failed?.code);
      }
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      return { codes, unhandled };
    }, file);
    assert.deepEqual(found, { codes: ["ABORTED", "ABORTED"], unhandled: [] });
    assert.equal(fs.readFileSync(file, "utf8"), "old");
  });
});

describe("a source that is not read to its end is told so", () => {
  test("a generator's finally has run when a bad chunk has been refused", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const ended = gate();
    const chunks = async function* (): AsyncGenerator<string> {
      try {
        yield "good";
        yield 7 as unknown as string;
      } finally {
        ended.open();
      }
    };
    await assert.rejects(writeFile(file, chunks()), TypeError);
    await ended.passed;
    await unchanged();
  });

  test("a stream is destroyed when the write fails for another reason, begun or not", async (t) => {
    const dir = tempDir(t);
    fs.mkdirSync(path.join(dir, "sub"));
    for (const name of ["sub", path.join("absent", "file"), "n".repeat(300)]) {
      const stream = new PassThrough();
      const closed = new Promise((resolve) => stream.once("close", resolve));
      await assert.rejects(writeFile(path.join(dir, name), stream), { outcome: "unchanged" });
      await closed;
      assert.ok(stream.destroyed);
    }
  });

  test("a synchronous generator's finally runs, in both forms", async (t) => {
    const { file } = withOldFile(t);
    let ends = 0;
    const chunks = function* (): Generator<string> {
      try {
        yield "good";
        yield undefined as unknown as string;
      } finally {
        ends++;
      }
    };
    assert.throws(() => writeFileSync(file, chunks()), TypeError);
    assert.equal(ends, 1);
    await assert.rejects(writeFile(file, chunks()), TypeError);
    assert.equal(ends, 2);
  });

  test("a source that is read to its end is not returned", async (t) => {
    const { file } = withOldFile(t);
    let returns = 0;
    const once: Iterable<string> = {
      [Symbol.iterator]() {
        const chunks = ["all"];
        return {
          next() {
            const value = chunks.shift();
            return value === undefined ? { done: true, value } : { done: false, value };
          },
          return() {
            returns++;
            return { done: true, value: undefined };
          },
        };
      },
    };
    await writeFile(file, once);
    writeFileSync(file, once);
    assert.equal(returns, 0);
  });

  test("a source whose return throws or rejects changes no error", async (t) => {
    const { file, unchanged } = withOldFile(t);
    for (const end of [
      () => Promise.reject(new Error("return failed")),
      () => {
        throw new Error("return failed");
      },
    ]) {
      const source = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(reason), return: end }) } as unknown as Data;
      await assert.rejects(writeFile(file, source), failed);
      await assert.rejects(writeFile(path.join(file, "below"), source), { code: "NOT_FOUND" });
    }
    await unchanged();
  });
});

describe("a source that uses one buffer again and again", () => {
  for (const size of [10, 65_535, 65_536, 100_000]) {
    test(`of ${size} bytes is written as it was at each chunk`, async (t) => {
      const { file } = withOldFile(t);
      const buffer = Buffer.alloc(size);
      const chunks = function* (): Generator<Buffer> {
        for (let nth = 1; nth <= 20; nth++) yield buffer.fill(nth);
      };
      const expected = Buffer.concat(Array.from({ length: 20 }, (_, index) => Buffer.alloc(size, index + 1)));
      await writeFile(file, chunks());
      assert.ok(fs.readFileSync(file).equals(expected));
      writeFileSync(file, chunks());
      assert.ok(fs.readFileSync(file).equals(expected));
    });
  }
});

describe("a slow source", () => {
  test("holds up no write of another file, and shows nothing of itself before its end", async (t) => {
    const { dir, file } = withOldFile(t);
    const hold = gate();
    const source = slow("half, ", hold.passed, "whole");
    const writing = writeFile(file, source.data);
    await source.begun;
    await writeFile(path.join(dir, "other"), "other");
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.equal(leftovers(dir).length, 1);
    hold.open();
    await writing;
    assert.equal(fs.readFileSync(file, "utf8"), "half, whole");
    assert.deepEqual(leftovers(dir), []);
  });

  test("many stalled sources hold up no write of plain data, nor a read", async (t) => {
    const { dir } = withOldFile(t);
    const control = new AbortController();
    const sources = Array.from({ length: 100 }, () => stalled());
    const writes = sources.map(({ data }, index) =>
      writeFile(path.join(dir, `stalled-${index}`), data, { signal: control.signal }),
    );
    await Promise.all(sources.slice(0, 4).map(({ asked }) => asked));
    await writeFile(path.join(dir, "plain"), Readable.from(["text"]).read() ?? "text");
    assert.equal(fs.readFileSync(path.join(dir, "plain"), "utf8"), "text");
    control.abort();
    for (const settled of await Promise.allSettled(writes)) assert.equal(settled.status, "rejected");
    assert.deepEqual(leftovers(dir), []);
  });
});
