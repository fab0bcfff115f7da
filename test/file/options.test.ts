/** Options: checked before anything is touched, never changed, never remembered. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import {
  createWriteStream,
  readFile,
  readFileSync,
  readJson,
  stageFile,
  type WriteFileOptions,
  writeFile,
  writeFileSync,
  writeJson,
} from "holdfast";
import { needsPosix } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

type Options = Readonly<Record<string, unknown>>;

/** Every function that has options, called with some. */
const CALLS: Readonly<Record<string, (file: string, options: Options) => Promise<unknown>>> = {
  writeFile: (file, options) => writeFile(file, "new", options),
  writeFileSync: async (file, options) => writeFileSync(file, "new", options),
  writeJson: (file, options) => writeJson(file, "new", options),
  stageFile: async (file, options) => (await stageFile(file, options)).discard(),
  createWriteStream: async (file, options) => createWriteStream(file, options),
  readFile: (file, options) => readFile(file, options as object),
  readFileSync: async (file, options) => readFileSync(file, options as object),
  readJson: (file, options) => readJson(file, options),
};
const WRITES = ["writeFile", "writeFileSync", "writeJson", "stageFile", "createWriteStream"];

function withFile(t: TestContext): { file: string; untouched: () => void } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, '"old"');
  return {
    file,
    untouched() {
      assert.deepEqual(fs.readdirSync(dir), ["file"]);
      assert.equal(fs.readFileSync(file, "utf8"), '"old"');
    },
  };
}

describe("an option that does not exist is a TypeError of every function", () => {
  for (const [name, call] of Object.entries(CALLS)) {
    test(name, async (t) => {
      const { file, untouched } = withFile(t);
      for (const key of ["flag", "fsync", "tmpfileCreated", "Mode", "__proto__x", ""])
        await assert.rejects(call(file, { [key]: true }), { name: "TypeError", message: /unknown option/ });
      for (const options of [null, 7, true, [], "latin1", () => {}])
        await assert.rejects(call(file, options as unknown as Options), TypeError, `options ${String(options)}`);
      untouched();
    });
  }

  test("also where another function knows it", async (t) => {
    const { file, untouched } = withFile(t);
    const { signal } = new AbortController();
    assert.throws(() => writeFileSync(file, "", { signal } as object), TypeError);
    assert.throws(() => readFileSync(file, { signal } as object), TypeError);
    await assert.rejects(stageFile(file, { coalesce: true } as object), TypeError);
    await assert.rejects(writeFile(file, "", { indent: 2 } as object), TypeError);
    await assert.rejects(readJson(file, { encoding: "utf8" } as object), TypeError);
    await assert.rejects(readFile(file, { mode: 0o600 } as object), TypeError);
    untouched();
  });
});

const BAD_VALUES: readonly [string, unknown][] = [
  ...[-1, 0o10000, 1.5, Number.NaN, Infinity, "0600", null, 0o600n].map((value): [string, unknown] => ["mode", value]),
  ...["fast", "", null, true].map((value): [string, unknown] => ["durability", value]),
  ...["yes", 1, null].map((value): [string, unknown] => ["strict", value]),
  ...["Follow", false, null].map((value): [string, unknown] => ["symlink", value]),
  ...["true", 0, null].map((value): [string, unknown] => ["ifAbsent", value]),
  ...["true", 0, null].map((value): [string, unknown] => ["parents", value]),
  ...[-1, 600_001, 0.5, "100", null].map((value): [string, unknown] => ["busyTimeoutMs", value]),
];

describe("a value that an option can't have is a RangeError that names it", () => {
  for (const name of WRITES) {
    test(name, async (t) => {
      const { file, untouched } = withFile(t);
      const call = CALLS[name] as (typeof CALLS)[string];
      for (const [key, value] of BAD_VALUES) {
        const expected = { name: "RangeError", message: new RegExp(`option ${key} must be`) };
        await assert.rejects(call(file, { [key]: value }), expected, `${key}: ${String(value)}`);
      }
      untouched();
    });
  }

  test("signal, coalesce, encoding, indent and schema", async (t) => {
    const { file, untouched } = withFile(t);
    await assert.rejects(writeFile(file, "", { signal: {} as AbortSignal }), RangeError);
    await assert.rejects(writeFile(file, "", { coalesce: 1 as unknown as boolean }), RangeError);
    await assert.rejects(readFile(file, { encoding: "latin1" as "utf8" }), RangeError);
    await assert.rejects(writeJson(file, 1, { indent: 11 }), RangeError);
    await assert.rejects(writeJson(file, 1, { schema: 7 as never }), RangeError);
    untouched();
  });
});

describe("the caller's options", () => {
  const all: WriteFileOptions = {
    durability: "volatile",
    strict: false,
    mode: 0o600,
    symlink: "replace",
    ifAbsent: false,
    parents: false,
    busyTimeoutMs: 5,
    coalesce: false,
    signal: new AbortController().signal,
  };

  test("may be frozen, and are as they were", async (t) => {
    const { file } = withFile(t);
    const given = Object.freeze({ ...all });
    await writeFile(file, "1", given);
    assert.deepEqual(given, all);
    const { coalesce: _, ...stage } = all;
    await (await stageFile(file, Object.freeze({ ...stage }))).commit();
    const { signal: __, ...sync } = stage;
    writeFileSync(file, "2", Object.freeze({ ...sync }));
    await writeJson(file, 3, Object.freeze({ ...all, indent: 0 }));
  });

  test("may be changed while the write runs: what counts is what was given", { skip: needsPosix }, async (t) => {
    const { file } = withFile(t);
    const given: { mode: number; durability: "durable" | "volatile" } = { mode: 0o640, durability: "volatile" };
    const writing = writeFile(file, "1", given);
    given.mode = 0o777;
    await writing;
    assert.equal(fs.statSync(file).mode & 0o7777, 0o640);
  });

  test("leak into no other call: the mode of one file is not that of the next", { skip: needsPosix }, async (t) => {
    // write-file-atomic stores mode and owner of the first file in the caller's object, and the second gets them.
    const dir = tempDir(t);
    fs.writeFileSync(path.join(dir, "secret"), "", { mode: 0o600 });
    fs.writeFileSync(path.join(dir, "open"), "");
    fs.chmodSync(path.join(dir, "open"), 0o664);
    const given = {};
    for (const name of ["secret", "open"]) await writeFile(path.join(dir, name), "new", given);
    for (const name of ["secret", "open"]) writeFileSync(path.join(dir, name), "newer", given);
    assert.deepEqual(given, {});
    assert.equal(fs.statSync(path.join(dir, "secret")).mode & 0o777, 0o600);
    assert.equal(fs.statSync(path.join(dir, "open")).mode & 0o777, 0o664);
  });

  test("undefined is the default of each", async (t) => {
    const { file } = withFile(t);
    const none = Object.fromEntries(Object.keys(all).map((key) => [key, undefined]));
    assert.equal((await writeFile(file, "1", none)).sizeBytes, 1);
    assert.equal((await writeFile(file, "22", undefined)).sizeBytes, 2);
  });
});
