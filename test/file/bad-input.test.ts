/**
 * Wrong arguments and wrong targets are refused before anything changes. Others empty the file for `undefined`, write
 * "[object Object]", and replace a device by a file (write-file-atomic, atomically, fast-write-atomic).
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { createWriteStream, type Data, readFile, readFileSync, stageFile, writeFile, writeFileSync } from "holdfast";
import { needs, needsPosix, needsRoot } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const OLD = "the old content";

function withOldFile(t: TestContext): { dir: string; file: string; untouched: () => void } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, OLD);
  const before = fs.statSync(file);
  const names = fs.readdirSync(dir).length;
  return {
    dir,
    file,
    untouched() {
      assert.equal(fs.readFileSync(file, "utf8"), OLD);
      assert.equal(fs.statSync(file).ino, before.ino);
      assert.equal(fs.readdirSync(dir).length, names);
      assert.deepEqual(leftovers(dir), []);
    },
  };
}

const BAD_DATA: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  "a number": 7,
  "not a number": Number.NaN,
  "a bigint": 7n,
  "a boolean": true,
  "a symbol": Symbol("data"),
  "a function": () => "text",
  "a plain object": { text: "content" },
  "a promise": Promise.resolve("content"),
  "a date": new Date(0),
  "an array of numbers": [1, 2, 3],
  "an iterable with one bad chunk": ["good", "good", undefined],
  "an iterable with null": [null],
  "an array of arrays": [["text"]],
};

describe("data that is no content is a TypeError, and the old file stays", () => {
  for (const [name, bad] of Object.entries(BAD_DATA)) {
    test(`${name}: writeFile, writeFileSync, and a staged file`, async (t) => {
      const { file, untouched } = withOldFile(t);
      const data = bad as string;
      await assert.rejects(writeFile(file, data), TypeError);
      untouched();
      assert.throws(() => writeFileSync(file, data), TypeError);
      untouched();
      const staged = await stageFile(file);
      await assert.rejects(staged.write(data), TypeError);
      await staged.discard();
      untouched();
    });
  }

  test("a bad chunk in an async iterable, after good ones", async (t) => {
    const { file, untouched } = withOldFile(t);
    const chunks = async function* (): AsyncGenerator<unknown> {
      yield "x".repeat(200_000);
      yield { not: "content" };
    };
    await assert.rejects(writeFile(file, chunks() as Data), /each chunk of data must be .* it is|one is an object/);
    untouched();
    assert.throws(() => writeFileSync(file, chunks() as unknown as string), /writeFile instead of writeFileSync/);
    untouched();
  });
});

const BAD_PATHS: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  "a number": 1,
  "a descriptor object": { fd: 1 },
  "a buffer": Buffer.from("file"),
  "an empty path": "",
  "a NUL inside": "fi\0le",
  "a web address": new URL("https://example.org/file"),
};

describe("a path that is none is a TypeError", () => {
  for (const [name, bad] of Object.entries(BAD_PATHS)) {
    test(name, async () => {
      const at = bad as string;
      await assert.rejects(writeFile(at, ""), TypeError);
      assert.throws(() => writeFileSync(at, ""), TypeError);
      await assert.rejects(readFile(at), TypeError);
      assert.throws(() => readFileSync(at), TypeError);
      await assert.rejects(stageFile(at), TypeError);
      assert.throws(() => createWriteStream(at), TypeError);
    });
  }
});

/** Every way to write, with what comes of it. */
async function refusedByAll(file: string, code: string): Promise<void> {
  const expected = { code, outcome: "unchanged" };
  await assert.rejects(writeFile(file, "new"), expected);
  assert.throws(() => writeFileSync(file, "new"), expected);
  await assert.rejects(stageFile(file), expected);
}

describe("a target that is no regular file is refused", () => {
  test("a directory, also with a slash or a dot at the end", async (t) => {
    const dir = tempDir(t);
    fs.mkdirSync(path.join(dir, "sub"));
    for (const name of ["sub", "sub/", "sub/.", "sub/..", "absent/", "."]) await refusedByAll(`${dir}/${name}`, "NOT_A_FILE");
    assert.deepEqual(fs.readdirSync(dir), ["sub"]);
    assert.deepEqual(fs.readdirSync(path.join(dir, "sub")), []);
  });

  test("a slash behind a file's name", async (t) => {
    const { file, untouched } = withOldFile(t);
    await refusedByAll(`${file}/`, "NOT_A_FILE");
    untouched();
  });

  test("a file as a directory", async (t) => {
    const { file, untouched } = withOldFile(t);
    await refusedByAll(path.join(file, "below"), "NOT_FOUND");
    untouched();
  });

  test("a FIFO, without waiting for its other end", { skip: needsPosix }, async (t) => {
    const fifo = path.join(tempDir(t), "fifo");
    execFileSync("mkfifo", [fifo]);
    await refusedByAll(fifo, "NOT_A_FILE");
    await assert.rejects(readFile(fifo), { code: "NOT_A_FILE" });
    assert.throws(() => readFileSync(fifo), { code: "NOT_A_FILE" });
    assert.ok(fs.lstatSync(fifo).isFIFO());
  });

  test("a socket", { skip: needsPosix }, async (t) => {
    const socket = path.join(tempDir(t), "socket");
    const server = net.createServer().listen(socket);
    t.after(() => server.close());
    await once(server, "listening");
    await refusedByAll(socket, "NOT_A_FILE");
    assert.ok(fs.lstatSync(socket).isSocket());
  });

  test("a device, also through a link", { skip: needs(needsPosix, needsRoot) }, async (t) => {
    const dir = tempDir(t);
    const device = path.join(dir, "device");
    execFileSync("mknod", [device, "c", "1", "3"]);
    fs.symlinkSync("device", path.join(dir, "link"));
    await refusedByAll(device, "NOT_A_FILE");
    await refusedByAll(path.join(dir, "link"), "NOT_A_FILE");
    assert.ok(fs.lstatSync(device).isCharacterDevice());
  });

  test("a directory that becomes one between staging and commit", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    const staged = await stageFile(file);
    await staged.write("new");
    fs.mkdirSync(file);
    await assert.rejects(staged.commit(), { code: "NOT_A_FILE", outcome: "unchanged" });
    assert.deepEqual(fs.readdirSync(dir), ["file"]);
  });
});

describe("names", () => {
  test("of 255 bytes can be written, whatever their length in characters", { skip: needsPosix }, async (t) => {
    const dir = tempDir(t);
    for (const name of ["a".repeat(255), "\u00e4".repeat(127), "\u{1f600}".repeat(63)]) {
      await writeFile(path.join(dir, name), name);
      writeFileSync(path.join(dir, name), name);
      assert.equal(fs.readFileSync(path.join(dir, name), "utf8"), name);
      fs.unlinkSync(path.join(dir, name));
    }
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  test("of more than 255 bytes are refused, never shortened", async (t) => {
    // atomically cuts a name of 300 characters to 128, writes that other file and reports success.
    const dir = tempDir(t);
    for (const name of ["a".repeat(256), "a".repeat(300), "\u00e4".repeat(256), "\u{1f600}".repeat(256)])
      await refusedByAll(path.join(dir, name), "INVALID_NAME");
    if (!needsPosix) await refusedByAll(path.join(dir, "\u00e4".repeat(128)), "INVALID_NAME");
    await assert.rejects(writeFile(path.join(dir, "sub", "a".repeat(256)), "", { parents: true }), { code: "INVALID_NAME" });
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  test("in a directory that does not exist are not found", async (t) => {
    const dir = tempDir(t);
    await refusedByAll(path.join(dir, "absent", "file"), "NOT_FOUND");
    assert.deepEqual(fs.readdirSync(dir), []);
  });
});
