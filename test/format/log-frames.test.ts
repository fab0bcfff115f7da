/** Frames of a log: what was written reads back, and what was not never does. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import {
  decodeHeader,
  durableByLaterBatches,
  encodeBatch,
  encodeHeader,
  HEADER_BYTES,
  type Mark,
  scanFrames,
} from "../../dist/format/log.js";
import { bootOf, decodeHead, decodeHint, encodeHead, encodeHint, type Hint } from "../../dist/format/log-files.js";

const none: Mark = { segment: 0, epoch: 0n, length: 0, chain: 0, next: 0 };
const headerOf = (epoch: bigint): Uint8Array =>
  encodeHeader({ segment: 3, epoch, first: 7, previous: none, durable: HEADER_BYTES });
const startOf = (epoch: bigint): Mark => {
  const read = decodeHeader(headerOf(epoch), "segment");
  assert.ok(read);
  return read.start;
};
const epochs = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
const batches = fc.array(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 4,
});

/** All batches behind one another. */
function written(epoch: bigint, all: readonly (readonly Uint8Array[])[]): { readonly bytes: Uint8Array; readonly mark: Mark } {
  let mark = startOf(epoch);
  const parts = all.map((records) => {
    const encoded = encodeBatch(records, mark, mark.length);
    mark = encoded.mark;
    return encoded.bytes;
  });
  return { bytes: Buffer.concat(parts), mark };
}

function read(
  bytes: Uint8Array,
  from: Mark,
): { readonly records: Uint8Array[]; readonly scanned: ReturnType<typeof scanFrames> } {
  const records: Uint8Array[] = [];
  const scanned = scanFrames(bytes, from, (position, record) => {
    assert.equal(position, from.next + records.length);
    records.push(record);
  });
  return { records, scanned };
}

const plain = (records: readonly Uint8Array[]): number[][] => records.map((record) => [...record]);

describe("frames", () => {
  it("read back as they were written", () => {
    fc.assert(
      fc.property(epochs, batches, (epoch, all) => {
        const { bytes, mark } = written(epoch, all);
        const { records, scanned } = read(bytes, startOf(epoch));
        assert.deepEqual(plain(records), plain(all.flat()));
        assert.deepEqual(scanned.mark, mark);
      }),
    );
  });

  it("that are cut, changed or followed by NULs give the records before that, and no other", () => {
    fc.assert(
      fc.property(epochs, batches, fc.nat(), fc.constantFrom("cut", "flip", "zeros"), (epoch, all, seed, how) => {
        const { bytes } = written(epoch, all);
        const at = seed % bytes.length;
        const harmed = how === "cut" ? bytes.slice(0, at) : Uint8Array.from(bytes);
        if (how === "flip") harmed[at] = (harmed[at] ?? 0) ^ (1 << (seed % 8));
        if (how === "zeros") harmed.fill(0, at);
        const { records, scanned } = read(harmed, startOf(epoch));
        assert.deepEqual(plain(records), plain(all.flat().slice(0, records.length)));
        const first = bytes.findIndex((byte, index) => byte !== harmed[index]);
        assert.ok(first < 0 || scanned.mark.length - HEADER_BYTES <= first, "nothing beyond the harm is read");
      }),
    );
  });

  it("of another epoch, or behind a missing batch, do not fit", () => {
    fc.assert(
      fc.property(epochs, epochs, batches, (epoch, other, all) => {
        const { bytes } = written(epoch, all);
        if (other !== epoch) assert.deepEqual(read(bytes, startOf(other)).records, []);
        const { bytes: first } = encodeBatch(all[0] ?? [], startOf(epoch), 0);
        if (bytes.length > first.length) assert.deepEqual(read(bytes.subarray(first.length), startOf(epoch)).records, []);
      }),
    );
  });

  it("of later batches are evidence of what was durable, whatever is missing before them", () => {
    fc.assert(
      fc.property(epochs, batches, fc.uint8Array({ maxLength: 50 }), (epoch, all, garbage) => {
        const { bytes, mark } = written(epoch, all);
        const later = encodeBatch([new Uint8Array(3)], mark, mark.length).bytes;
        assert.equal(durableByLaterBatches(Buffer.concat([garbage, later]), epoch), mark.length);
        assert.equal(durableByLaterBatches(Buffer.concat([bytes, later]), epoch ^ 1n), 0);
      }),
    );
  });
});

describe("the small files", () => {
  const numbers = fc.nat();
  it("read back as they were written, and not when they are damaged", () => {
    fc.assert(
      fc.property(epochs, numbers, numbers, numbers, fc.nat(50), (epoch, length, chain, next, at) => {
        const mark: Mark = { segment: 5, epoch, length, chain, next };
        const hint: Hint = { mark, durable: chain, boot: bootOf(String(length)) };
        assert.deepEqual(decodeHint(encodeHint(hint)), hint);
        assert.deepEqual(decodeHead(encodeHead({ segment: length, first: next })), { segment: length, first: next });
        const harmed = Buffer.from(encodeHint(hint));
        const index = at % harmed.indexOf(10); // what follows the line is padding
        harmed[index] = (harmed[index] ?? 0) ^ 4;
        assert.equal(decodeHint(harmed.toString("latin1")), undefined);
        assert.equal(decodeHead(Buffer.from(encodeHint(hint))), undefined);
      }),
    );
  });

  it("a header that is damaged is none, and a newer one is refused", () => {
    const header = headerOf(9n);
    for (let at = 0; at < HEADER_BYTES; at++) {
      const harmed = Uint8Array.from(header);
      harmed[at] = (harmed[at] ?? 0) ^ 1;
      assert.equal(decodeHeader(harmed, "segment"), undefined);
    }
    const newer = Buffer.from(header);
    newer.writeUInt32LE(2, 4);
    newer.writeUInt32LE(crc32(newer.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
    assert.throws(() => decodeHeader(newer, "segment"), { code: "UNSUPPORTED" });
  });
});
