/** The small files of a log, and the names of all: `docs/format/log.md`. */
import { crc32 } from "node:zlib";
import type { Mark } from "./log.ts";

export const LOG_LOCK_NAME = "log.lock";
/** How far the log is durable, for readers and for the next owner: right while no owner has died, and no computer. */
export const HINT_NAME = "durable";
/** What of the log there is no more. */
export const HEAD_NAME = "head";

/** Names of segments. */
export const SEGMENT_NAMES = /^segment-\d{12}$/;

/** The name of a segment. */
export const segmentName = (segment: number): string => `segment-${String(segment).padStart(12, "0")}`;

/** The number in the name of a segment. */
export const segmentNumber = (name: string): number => Number(name.slice("segment-".length));

/** Where a log begins, once something was removed. */
export interface Head {
  /** The oldest segment that counts. */
  readonly segment: number;
  /** The oldest position that can be read. */
  readonly first: number;
}

const LINE = /^(holdfast-log-(?:durable|head) 1 [^\n]*) ([0-9a-f]{8})\n/;
/** Longer than any of both: 12 + 20 + 16 + 10 + 16 digits and the words. */
const SMALL_FILE_BYTES = 128;

/** A line with its checksum, padded, so that a shorter one leaves nothing of a longer. */
function line(text: string): Uint8Array {
  const check = crc32(text).toString(16).padStart(8, "0");
  return Buffer.from(`${text} ${check}\n`.padEnd(SMALL_FILE_BYTES - 1).concat("\n"));
}

function fieldsOf(bytes: Uint8Array, kind: string): string[] | undefined {
  const [, text, check] = LINE.exec(Buffer.from(bytes).toString("latin1")) ?? [];
  if (text === undefined || Number.parseInt(check ?? "", 16) !== crc32(text)) return undefined;
  const [magic, , ...fields] = text.split(" ");
  return magic === kind ? fields : undefined;
}

/** The bytes of a hint. */
export function encodeHint({ segment, epoch, length, chain, next }: Mark): Uint8Array {
  return line(`holdfast-log-durable 1 ${segment} ${epoch} ${length} ${chain} ${next}`);
}

/** The hint in these bytes; undefined if there is none: it is written without care for crashes. */
export function decodeHint(bytes: Uint8Array): Mark | undefined {
  const [segment, epoch, length, chain, next] = fieldsOf(bytes, "holdfast-log-durable") ?? [];
  if (epoch === undefined) return undefined;
  return { segment: Number(segment), epoch: BigInt(epoch), length: Number(length), chain: Number(chain), next: Number(next) };
}

/** The bytes of a head. */
export function encodeHead({ segment, first }: Head): Uint8Array {
  return line(`holdfast-log-head 1 ${segment} ${first}`);
}

/** The head in these bytes; undefined if they are damaged. */
export function decodeHead(bytes: Uint8Array): Head | undefined {
  const [segment, first] = fieldsOf(bytes, "holdfast-log-head") ?? [];
  return first === undefined ? undefined : { segment: Number(segment), first: Number(first) };
}
