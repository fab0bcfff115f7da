/** Which disks are made of a record: what was flushed is there, and of the rest anything may be. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { BlockLog, type Entry, readBlockLog } from "../../../dist/cli/kernel/block-log.js";
import { applyKept, applyWrites, crashImages } from "../../../dist/cli/kernel/crash-images.js";
import { SparseDisk } from "../../../dist/cli/kernel/sparse-disk.js";
import { tempDir } from "../../support/temp-dir.ts";

const BLOCK = 4096;

const write = (block: number, letter: string, count = 1): Entry => ({
  kind: "write",
  offset: block * BLOCK,
  data: Buffer.alloc(count * BLOCK, letter),
});
const flush: Entry = { kind: "flush" };
const mark = (text: string): Entry => ({ kind: "mark", text });

/** The first letter of each block, `.` for zeros. */
function letters(disk: SparseDisk, file: string): string {
  disk.save(file);
  const bytes = fs.readFileSync(file, "latin1");
  return Array.from({ length: bytes.length / BLOCK }, (_, block) => bytes.charAt(block * BLOCK).replace("\0", ".")).join("");
}

describe("crash images", () => {
  const entries = [write(0, "a"), mark("START"), write(1, "b"), flush, mark("one"), write(2, "c"), write(3, "d", 2), mark("two")];

  const disks = (t: Parameters<typeof tempDir>[0], lying: boolean): Set<string> => {
    const file = path.join(tempDir(t), "disk");
    fs.writeFileSync(file, "");
    fs.truncateSync(file, 5 * BLOCK);
    const blank = SparseDisk.load(file);
    const found = new Set<string>();
    for (let seed = 1; seed < 20; seed++) {
      for (const image of crashImages(entries, { from: 2, lying, flushesFirst: false, seed, imagesMax: 100 })) {
        const disk = blank.clone();
        applyWrites(disk, entries.slice(0, image.durableUpTo));
        applyKept(disk, entries, image);
        for (const acknowledged of image.acknowledged.keys()) found.add(`${acknowledged}: ${letters(disk, file)}`);
      }
    }
    return found;
  };

  it("have all that was flushed, and any of the rest, torn too", (t) => {
    const found = [...disks(t, false)].sort();
    assert.deepEqual(
      found,
      [
        ": a....",
        ": ab...",
        "one two: ab...",
        "one two: abcdd",
        ...["ab...", "ab..d", "ab.d.", "ab.dd", "abc..", "abc.d", "abcd.", "abcdd"].map((state) => `one: ${state}`),
      ].sort(),
    );
  });

  it("of a disk that lies have lost also what was flushed", (t) => {
    assert.ok(disks(t, true).has("one two: a...."));
  });

  it("are as many as are asked for, and the same for the same seed", () => {
    const some = (seed: number, flushesFirst = false) =>
      crashImages(entries, { from: 2, lying: false, flushesFirst, seed, imagesMax: 5 });
    assert.equal(some(1).length, 5);
    const durable = ({ kept }: { readonly kept: readonly unknown[] }): boolean => kept.length === 0;
    assert.equal(some(1, true).filter(durable).length, 2, "one for each flush");
    assert.deepEqual(some(1), some(1));
  });
});

describe("a record", () => {
  it("is read as it was written", (t) => {
    const file = path.join(tempDir(t), "log");
    const log = new BlockLog(file);
    log.append("write", 2 ** 40, Buffer.from("data"));
    log.append("flush", 0, new Uint8Array());
    log.append("mark", 0, Buffer.from("here"));
    assert.deepEqual(readBlockLog(file), [{ kind: "write", offset: 2 ** 40, data: Buffer.from("data") }, flush, mark("here")]);
  });
});

describe("a sparse disk", () => {
  it("saves what it loaded, with what was written at any place", (t) => {
    const file = path.join(tempDir(t), "disk");
    fs.writeFileSync(file, Buffer.concat([Buffer.alloc(3 * BLOCK), Buffer.alloc(2 * BLOCK, "x")]));
    const disk = SparseDisk.load(file);
    const copy = disk.clone();
    copy.write(BLOCK - 2, Buffer.from("1234"));
    copy.write(4 * BLOCK, Buffer.alloc(BLOCK));
    copy.save(file);
    const expected = Buffer.concat([Buffer.alloc(3 * BLOCK), Buffer.alloc(BLOCK, "x"), Buffer.alloc(BLOCK)]);
    expected.write("1234", BLOCK - 2);
    assert.deepEqual(fs.readFileSync(file), expected);
    assert.equal(letters(disk, file), "...xx");
  });
});
