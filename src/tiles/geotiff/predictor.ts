/**
 * Predictors: values that a compressor finds more alike, and from which the old ones follow without loss. In place, on a block
 * in the order of this machine for `horizontal`; `float` also brings it into the order of the file.
 */
import { LITTLE_ENDIAN, type TypeFacts, toFileOrder } from "./types.ts";

/**
 * `horizontal`: differences of neighbours (TIFF 6.0, section 14). `float`: the bytes of a row by weight, and then their
 * differences (Adobe, TIFF Technical Note 3).
 */
export type Predictor = "float" | "horizontal" | "none";

/** Tag Predictor. */
export const PREDICTOR_TAG: Readonly<Record<Predictor, number>> = { none: 1, horizontal: 2, float: 3 };

/** A block of pixels in memory of its own. */
export interface Block {
  readonly bytes: Uint8Array;
  /** Pixels of a row. */
  readonly width: number;
  readonly bands: number;
  readonly type: Pick<TypeFacts, "bytes">;
}

/** From values of this machine to the bytes that are compressed. */
export function predict(block: Block, predictor: Predictor): void {
  if (predictor === "float") {
    eachRow(block, spread(block));
    return;
  }
  if (predictor === "horizontal") subtract(block);
  toFileOrder(block.bytes, block.type.bytes);
}

/** The reverse of {@link predict}. */
export function restore(block: Block, predictor: Predictor): void {
  if (predictor === "float") {
    eachRow(block, gather(block));
    return;
  }
  toFileOrder(block.bytes, block.type.bytes);
  if (predictor === "horizontal") add(block);
}

function eachRow({ bytes, width, bands, type }: Block, change: (row: Uint8Array) => void): void {
  const rowBytes = width * bands * type.bytes;
  for (let at = 0; at < bytes.length; at += rowBytes) change(bytes.subarray(at, at + rowBytes));
}

/** Where the byte of weight `plane`, largest first, stands in a value in memory. */
const byteOf = (plane: number, size: number): number => (LITTLE_ENDIAN ? size - 1 - plane : plane);

/** Each byte of one word less that of the other, all four at once: no borrow leaves its byte. */
const lessBytes = (a: number, b: number): number => ((a | 0x8080_8080) - (b & 0x7f7f_7f7f)) ^ ((a ^ ~b) & 0x8080_8080);

/**
 * A value has one or two words, each with the bytes of four planes. Differences are taken of whole words, before their bytes go
 * each to its plane: it is the same, and four times as fast.
 */
function spread({ width, bands, type: { bytes: size } }: Block): (row: Uint8Array) => void {
  const count = width * bands;
  const step = size / 4;
  const words = new Int32Array(count * step);
  const old = new Uint8Array(words.buffer);
  const put = (row: Uint8Array, at: number, difference: number): void => {
    row[at] = difference >>> 24;
    row[at + count] = difference >>> 16;
    row[at + 2 * count] = difference >>> 8;
    row[at + 3 * count] = difference;
  };
  return (row) => {
    old.set(row);
    for (let part = 0; part < step; part++) {
      const [first, heavier] = LITTLE_ENDIAN ? [step - 1 - part, step - part] : [part, part - 1];
      const start = 4 * part * count;
      for (let i = 0; i < bands; i++) {
        // What is before the first pixel is the last one of the plane before.
        const last = (count - bands + i) * step;
        const above = part === 0 ? 0 : (words[last + heavier] as number) << 24;
        put(row, start + i, lessBytes(words[first + i * step] as number, ((words[last + first] as number) >>> 8) | above));
      }
      for (let i = bands, from = first; i < count; i++, from += step)
        put(row, start + i, lessBytes(words[from + bands * step] as number, words[from] as number));
    }
  };
}

function gather({ width, bands, type: { bytes: size } }: Block): (row: Uint8Array) => void {
  const count = width * bands;
  const planes = new Uint8Array(count * size);
  return (row) => {
    for (let i = bands; i < row.length; i++) row[i] = (row[i] as number) + (row[i - bands] as number);
    planes.set(row);
    for (let plane = 0; plane < size; plane++) {
      const start = plane * count;
      for (let i = 0, to = byteOf(plane, size); i < count; i++, to += size) row[to] = planes[start + i] as number;
    }
  };
}

const WORDS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: Uint32Array } as const;

type Words = Uint8Array | Uint16Array | Uint32Array;

/** The values as unsigned words, which wrap as differences have to; those of 8 bytes as two. */
function wordsOf({ bytes, type: { bytes: size } }: Block): Words {
  const words = WORDS[size];
  return new words(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / words.BYTES_PER_ELEMENT);
}

function subtract(block: Block): void {
  const { width, bands, type } = block;
  const words = wordsOf(block);
  const count = width * bands;
  if (type.bytes === 8) subtract64(words, count, bands);
  else
    for (let start = 0; start < words.length; start += count)
      for (let i = start + count - 1; i >= start + bands; i--) words[i] = (words[i] as number) - (words[i - bands] as number);
}

function add(block: Block): void {
  const { width, bands, type } = block;
  const words = wordsOf(block);
  const count = width * bands;
  if (type.bytes === 8) add64(words, count, bands);
  else
    for (let start = 0; start < words.length; start += count)
      for (let i = start + bands; i < start + count; i++) words[i] = (words[i] as number) + (words[i - bands] as number);
}

const LOW = LITTLE_ENDIAN ? 0 : 1;
const TWO_32 = 2 ** 32;

function subtract64(words: Words, count: number, bands: number): void {
  for (let start = 0; start < words.length / 2; start += count) {
    for (let i = start + count - 1; i >= start + bands; i--) {
      const [low, high] = [2 * i + LOW, 2 * i + 1 - LOW];
      const difference = (words[low] as number) - (words[low - 2 * bands] as number);
      words[low] = difference;
      words[high] = (words[high] as number) - (words[high - 2 * bands] as number) - (difference < 0 ? 1 : 0);
    }
  }
}

function add64(words: Words, count: number, bands: number): void {
  for (let start = 0; start < words.length / 2; start += count) {
    for (let i = start + bands; i < start + count; i++) {
      const [low, high] = [2 * i + LOW, 2 * i + 1 - LOW];
      const sum = (words[low] as number) + (words[low - 2 * bands] as number);
      words[low] = sum;
      words[high] = (words[high] as number) + (words[high - 2 * bands] as number) + (sum >= TWO_32 ? 1 : 0);
    }
  }
}
