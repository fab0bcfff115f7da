/** Segments of a log and the frames in them: `docs/format/log.md`. All numbers are little-endian. */
import { crc32 } from "node:zlib";
import { HoldfastError } from "../errors.ts";
import { RECORD_BYTES_MAX } from "../util/limits.ts";

/** How far a segment is known to go: so many bytes of it, and what a frame behind them continues. */
export interface Mark {
  readonly segment: number;
  /** Random, of this one segment: with it no frame of another fits. */
  readonly epoch: bigint;
  readonly length: number;
  /** The check of the last frame, or of the header: the next frame's check is made from it. */
  readonly chain: number;
  /** Position of the next record. */
  readonly next: number;
}

/** What a segment begins with. */
export interface SegmentHeader {
  readonly segment: number;
  readonly epoch: bigint;
  /** Position of its first record. */
  readonly first: number;
  /** How far the segment before it counts; `segment` 0: there is none. What lies beyond was copied here, or never counted. */
  readonly previous: Mark;
  /** So much of this segment was durable before it had its name. */
  readonly durable: number;
}

/** A header, and the mark of a segment that has nothing else. */
export interface ReadHeader {
  readonly header: SegmentHeader;
  readonly start: Mark;
}

const SEGMENT_MAGIC = 0x31304c46; // "FL01"
const VERSION = 1;
export const HEADER_BYTES = 80;
const HEADER_CHECKED = HEADER_BYTES - 4;

const RECORD = 0x4365523c; // "<ReC"
const BATCH = 0x4861423c; // "<BaH"
export const FRAME_BYTES = 12;
const BATCH_PAYLOAD_BYTES = 28;
const BATCH_CHECKED = BATCH_PAYLOAD_BYTES - 4;
/** What larger batches need is not kept. */
const ROOM_BYTES_MAX = 256 * 1024;
const BATCH_BYTES_OVERHEAD = FRAME_BYTES + BATCH_PAYLOAD_BYTES;

const WORD = 2 ** 32;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** Without a BigInt, which costs more than the rest of a small record. */
function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % WORD, true);
  view.setUint32(at + 4, Math.floor(value / WORD), true);
}
const getNumber = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** The bytes of a header. */
export function encodeHeader({ segment, epoch, first, previous, durable }: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, SEGMENT_MAGIC, true);
  view.setUint32(4, VERSION, true);
  setNumber(view, 8, segment);
  view.setBigUint64(16, epoch, true);
  setNumber(view, 24, first);
  setNumber(view, 32, previous.segment);
  view.setBigUint64(40, previous.epoch, true);
  setNumber(view, 48, previous.length);
  setNumber(view, 56, durable);
  view.setUint32(64, previous.chain, true);
  view.setUint32(HEADER_CHECKED, crc32(bytes.subarray(0, HEADER_CHECKED)), true);
  return bytes;
}

/**
 * The header in these bytes; undefined if they are none.
 *
 * @throws {HoldfastError} UNSUPPORTED: it was written by a newer version.
 */
export function decodeHeader(bytes: Uint8Array, path: string): ReadHeader | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  const chain = view.getUint32(HEADER_CHECKED, true);
  if (view.getUint32(0, true) !== SEGMENT_MAGIC || chain !== crc32(bytes.subarray(0, HEADER_CHECKED))) return undefined;
  const version = view.getUint32(4, true);
  if (version > VERSION) {
    const what = `the log has format ${version}, and this version of Holdfast knows up to ${VERSION}`;
    throw new HoldfastError("UNSUPPORTED", { what, path });
  }
  const [segment, epoch, first] = [getNumber(view, 8), view.getBigUint64(16, true), getNumber(view, 24)];
  const previous: Mark = {
    segment: getNumber(view, 32),
    epoch: view.getBigUint64(40, true),
    length: getNumber(view, 48),
    chain: view.getUint32(64, true),
    next: first,
  };
  const header = { segment, epoch, first, previous, durable: getNumber(view, 56) };
  return { header, start: { segment, epoch, length: HEADER_BYTES, chain, next: first } };
}

/** Bytes that a batch of these records takes. */
export const batchLength = (records: readonly Uint8Array[]): number =>
  records.reduce((sum, record) => sum + FRAME_BYTES + record.length, BATCH_BYTES_OVERHEAD);

/** Room for the bytes of batches, one after the other. */
export class Room {
  #bytes = new Uint8Array();
  #view = viewOf(this.#bytes);

  /** So many bytes, with anything in them; what was given before is overwritten. */
  take(length: number): { readonly bytes: Uint8Array; readonly view: DataView } {
    if (length > ROOM_BYTES_MAX) {
      const bytes = new Uint8Array(length);
      return { bytes, view: viewOf(bytes) };
    }
    if (length > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
      this.#view = viewOf(this.#bytes);
    }
    return { bytes: this.#bytes.subarray(0, length), view: this.#view };
  }
}

/** One batch of records as frames, and the mark behind it. `durable` is what was durable of the segment before. */
export function encodeBatch(
  records: readonly Uint8Array[],
  from: Mark,
  durable: number,
  room = new Room(),
): { readonly bytes: Uint8Array; readonly mark: Mark } {
  const length = batchLength(records);
  const { bytes, view } = room.take(length);
  view.setBigUint64(FRAME_BYTES, from.epoch, true);
  setNumber(view, FRAME_BYTES + 8, durable);
  setNumber(view, FRAME_BYTES + 16, from.next);
  view.setUint32(FRAME_BYTES + BATCH_CHECKED, crc32(bytes.subarray(FRAME_BYTES, FRAME_BYTES + BATCH_CHECKED)), true);
  let { chain } = from;
  let at = 0;
  const frame = (kind: number, size: number): void => {
    view.setUint32(at + 4, kind, true);
    view.setUint32(at + 8, size, true);
    const end = at + FRAME_BYTES + size;
    chain = crc32(bytes.subarray(at + 4, end), chain);
    view.setUint32(at, chain, true);
    at = end;
  };
  frame(BATCH, BATCH_PAYLOAD_BYTES);
  for (const record of records) {
    bytes.set(record, at + FRAME_BYTES);
    frame(RECORD, record.length);
  }
  return { bytes, mark: { ...from, length: from.length + length, chain, next: from.next + records.length } };
}

/** What was found in a piece of a segment. */
export interface Scanned {
  /** Behind the last frame that is whole and fits. */
  readonly mark: Mark;
  /** The largest length that one of its batches says was durable before it. */
  readonly durable: number;
  /** `more`: the next frame goes on beyond the piece, and needs so many bytes from {@link Scanned.mark}. `invalid`: what follows is no frame. */
  readonly rest: { readonly more: number } | "invalid";
}

/** Reads frames from `bytes`, the part of a segment that begins at `from.length`, up to the first that does not fit. */
export function scanFrames(bytes: Uint8Array, from: Mark, tell: (position: number, record: Uint8Array) => void): Scanned {
  const view = viewOf(bytes);
  let { chain, next } = from;
  let durable = 0;
  let at = 0;
  const ended = (rest: Scanned["rest"]): Scanned => ({
    mark: { ...from, length: from.length + at, chain, next },
    durable,
    rest,
  });
  for (;;) {
    if (bytes.length - at < FRAME_BYTES) return ended({ more: FRAME_BYTES });
    const kind = view.getUint32(at + 4, true);
    const size = view.getUint32(at + 8, true);
    const end = at + FRAME_BYTES + size;
    if (kind === RECORD ? size > RECORD_BYTES_MAX : kind !== BATCH || size !== BATCH_PAYLOAD_BYTES) return ended("invalid");
    if (end > bytes.length) return ended({ more: FRAME_BYTES + size });
    const check = view.getUint32(at, true);
    if (check !== crc32(bytes.subarray(at + 4, end), chain)) return ended("invalid");
    if (kind === RECORD) tell(next++, bytes.subarray(at + FRAME_BYTES, end));
    else {
      const claimed = getNumber(view, at + FRAME_BYTES + 8);
      const fits = view.getBigUint64(at + FRAME_BYTES, true) === from.epoch && claimed <= from.length + at;
      if (!fits || getNumber(view, at + FRAME_BYTES + 16) !== next) return ended("invalid");
      durable = Math.max(durable, claimed);
    }
    chain = check;
    at = end;
  }
}

/**
 * The largest length that a batch anywhere in `bytes` says was durable before it, by batches of this epoch alone. Evidence of
 * damage before them, and never used to read on: where a frame is missing, nobody knows what follows.
 */
export function durableByLaterBatches(bytes: Uint8Array, epoch: bigint): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const view = viewOf(bytes);
  const sought = Buffer.alloc(8);
  sought.writeBigUInt64LE(epoch);
  let durable = 0;
  for (let at = buffer.indexOf(sought); at >= 0; at = buffer.indexOf(sought, at + 1)) {
    const end = at + BATCH_PAYLOAD_BYTES;
    if (at < FRAME_BYTES || end > bytes.length) continue;
    if (view.getUint32(at - 8, true) !== BATCH) continue;
    if (view.getUint32(at + BATCH_CHECKED, true) !== crc32(bytes.subarray(at, at + BATCH_CHECKED))) continue;
    durable = Math.max(durable, getNumber(view, at + 8));
  }
  return durable;
}
