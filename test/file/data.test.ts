/** Exactly the bytes that were given, of every kind of data. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { type Data, readFile, readFileSync, stageFile, writeFile, writeFileSync } from "holdfast";
import { needsFreeNames } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const numbers = Float64Array.from({ length: 1000 }, (_, index) => index / 7);
const buffer = Buffer.from("before[the middle]after");
const shared = new Uint8Array(new ArrayBuffer(64), 16, 8).fill(7);
const text = "caf\u00e9 \u{1f600} \ud800 \0 end";

const bytesOf = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

const KINDS: Readonly<Record<string, { data: () => Data; bytes: Uint8Array }>> = {
  "a string, as UTF-8": { data: () => text, bytes: Buffer.from(text) },
  "an empty string": { data: () => "", bytes: Buffer.alloc(0) },
  "Float64Array(1000), 8,000 bytes": { data: () => numbers, bytes: bytesOf(numbers) },
  "a slice of a Buffer": { data: () => buffer.subarray(6, 18), bytes: Buffer.from("[the middle]") },
  "a Uint8Array with an offset": { data: () => shared, bytes: Buffer.alloc(8, 7) },
  "a DataView of a part": {
    data: () => new DataView(buffer.buffer, buffer.byteOffset + 6, 12),
    bytes: Buffer.from("[the middle]"),
  },
  "an ArrayBuffer": { data: () => Uint8Array.of(1, 2, 3).buffer, bytes: Buffer.of(1, 2, 3) },
  "a Uint16Array": { data: () => Uint16Array.of(1, 2), bytes: bytesOf(Uint16Array.of(1, 2)) },
  "a BigInt64Array": { data: () => BigInt64Array.of(-1n), bytes: Buffer.alloc(8, 255) },
  "an array of chunks of all kinds": {
    data: () => ["a", Buffer.from("b"), numbers, Uint8Array.of(99).buffer],
    bytes: Buffer.concat([Buffer.from("ab"), bytesOf(numbers), Buffer.from("c")]),
  },
  "no chunks at all": { data: () => [], bytes: Buffer.alloc(0) },
  "many small chunks": {
    data: () => Array.from({ length: 30_000 }, (_, index) => `${index}\n`),
    bytes: Buffer.from(Array.from({ length: 30_000 }, (_, index) => `${index}\n`).join("")),
  },
  "chunks around the size that is gathered": {
    data: () => [1, 65_535, 1, 65_536, 65_537, 131_072, 3].map((length, index) => Buffer.alloc(length, index)),
    bytes: Buffer.concat([1, 65_535, 1, 65_536, 65_537, 131_072, 3].map((length, index) => Buffer.alloc(length, index))),
  },
  "a buffer of 20 MB, in pieces": {
    data: () => Buffer.alloc(20_000_000, "0123456789abcdef_"),
    bytes: Buffer.alloc(20_000_000, "0123456789abcdef_"),
  },
};

describe("data is written byte for byte", () => {
  for (const [name, { data, bytes }] of Object.entries(KINDS)) {
    test(name, async (t) => {
      const dir = tempDir(t);
      const file = path.join(dir, "file");
      const check = (): void => assert.ok(Buffer.from(fs.readFileSync(file)).equals(bytes), "other bytes");
      const options = { durability: "volatile" } as const;

      const { sizeBytes } = await writeFile(file, data(), options);
      assert.equal(sizeBytes, bytes.length);
      check();
      assert.ok(Buffer.from(await readFile(file)).equals(bytes));

      assert.equal(writeFileSync(file, data() as string, options).sizeBytes, bytes.length);
      check();
      assert.ok(Buffer.from(readFileSync(file)).equals(bytes));

      const staged = await stageFile(file, options);
      await staged.write(data());
      await staged.write(data());
      assert.equal(staged.sizeBytes, 2 * bytes.length);
      await staged.commit();
      assert.ok(Buffer.from(fs.readFileSync(file)).equals(Buffer.concat([bytes, bytes])), "other bytes when staged twice");
      assert.deepEqual(leftovers(dir), []);
    });
  }

  test("a Node stream, a web stream and an async generator", async (t) => {
    const file = path.join(tempDir(t), "file");
    const parts = ["one ", "two ", "three"];
    const generator = async function* (): AsyncGenerator<string> {
      yield* parts;
    };
    for (const data of [
      Readable.from(parts),
      Readable.toWeb(Readable.from(parts)) as unknown as Data,
      generator(),
      new Set(parts),
    ]) {
      await writeFile(file, data);
      assert.equal(fs.readFileSync(file, "utf8"), "one two three");
    }
  });

  test("a shorter content leaves nothing of a longer old one", async (t) => {
    const file = path.join(tempDir(t), "file");
    fs.writeFileSync(file, "x".repeat(100_000));
    await writeFile(file, "short");
    assert.equal(fs.readFileSync(file, "utf8"), "short");
    writeFileSync(file, "");
    assert.equal(fs.statSync(file).size, 0);
  });

  test("a reader of the old file keeps the old bytes: the file is replaced, not written over", {
    skip: needsFreeNames,
  }, async (t) => {
    const file = path.join(tempDir(t), "file");
    fs.writeFileSync(file, "old");
    const fd = fs.openSync(file, "r");
    t.after(() => fs.closeSync(fd));
    await writeFile(file, "new content");
    assert.equal(fs.readFileSync(fd, "utf8"), "old");
    assert.equal(fs.readFileSync(file, "utf8"), "new content");
  });
});
