/** The small files of a log, and the names of all: `docs/format/log.md`. */
import { crc32 } from "node:zlib";
import type { Mark } from "./log.ts";

/** Whose text is the {@link Hint}. */
export const LOG_LOCK_NAME = "log.lock";
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

/** How far the newest segment goes, for readers and for the next owner. Never synced. */
export interface Hint {
  /** Behind the last record that counts. */
  readonly mark: Mark;
  /** So much of the segment was durable then. */
  readonly durable: number;
  /** The run of the system in which it was written, as {@link bootOf} has it. */
  readonly boot: string;
}

/** Names of snapshots. */
export const SNAPSHOT_NAMES = /^snapshot-\d{16}$/;

/** The name of a snapshot: of the records before this position. */
export const snapshotName = (position: number): string => `snapshot-${String(position).padStart(16, "0")}`;

/** The position in the name of a snapshot. */
export const snapshotPosition = (name: string): number => Number(name.slice("snapshot-".length));

/** What follows the content of a snapshot. */
export interface SnapshotEnd {
  readonly position: number;
  /** Of the content. */
  readonly sizeBytes: number;
  readonly check: number;
}

const LINE = /^(holdfast-log(?:-head|-snapshot)? 1 [^\n]*) ([0-9a-f]{8})\n/;
/** Longer than any of both: 12 + 20 + 16 + 10 + 16 + 16 digits and the words. */
const SMALL_FILE_BYTES = 192;
export const SNAPSHOT_END_BYTES = SMALL_FILE_BYTES;
const NO_BOOT = "-";

const hex = (check: number): string => check.toString(16).padStart(8, "0");

/** What a hint says of the run of the system; nothing where that can't be told. */
export const bootOf = (boot: string | undefined): string => (boot === undefined ? NO_BOOT : hex(crc32(boot)));

/** A line with its checksum, padded, so that a shorter one leaves nothing of a longer. */
const line = (text: string): string => `${`${text} ${hex(crc32(text))}\n`.padEnd(SMALL_FILE_BYTES - 1)}\n`;

/** The bytes behind the content of a snapshot. */
export function encodeSnapshotEnd({ position, sizeBytes, check }: SnapshotEnd): Uint8Array {
  return Buffer.from(line(`holdfast-log-snapshot 1 ${position} ${sizeBytes} ${check}`));
}

/** What these bytes say; undefined if they are damaged. */
export function decodeSnapshotEnd(bytes: Uint8Array): SnapshotEnd | undefined {
  const [position, sizeBytes, check] = fieldsOf(Buffer.from(bytes).toString("latin1"), "holdfast-log-snapshot") ?? [];
  if (check === undefined) return undefined;
  return { position: Number(position), sizeBytes: Number(sizeBytes), check: Number(check) };
}

function fieldsOf(found: string, kind: string): string[] | undefined {
  const [, text, check] = LINE.exec(found) ?? [];
  if (text === undefined || Number.parseInt(check ?? "", 16) !== crc32(text)) return undefined;
  const [magic, , ...fields] = text.split(" ");
  return magic === kind ? fields : undefined;
}

/** Of one segment at a time. */
let epochShown = { epoch: 0n, text: "0" };

/** As it is made for each batch, and a BigInt takes long to be shown. */
function showEpoch(epoch: bigint): string {
  if (epoch !== epochShown.epoch) epochShown = { epoch, text: String(epoch) };
  return epochShown.text;
}

/** The text of a hint. */
export function encodeHint({ mark: { segment, epoch, length, chain, next }, durable, boot }: Hint): string {
  return line(`holdfast-log 1 ${segment} ${showEpoch(epoch)} ${length} ${chain} ${next} ${durable} ${boot}`);
}

/** The hint in a text; undefined if there is none: it is written without care for crashes. */
export function decodeHint(text: string): Hint | undefined {
  const [segment, epoch, length, chain, next, durable, boot] = fieldsOf(text, "holdfast-log") ?? [];
  if (epoch === undefined || boot === undefined) return undefined;
  const mark = {
    segment: Number(segment),
    epoch: BigInt(epoch),
    length: Number(length),
    chain: Number(chain),
    next: Number(next),
  };
  return { mark, durable: Number(durable), boot };
}

/** The bytes of a head. */
export function encodeHead({ segment, first }: Head): Uint8Array {
  return Buffer.from(line(`holdfast-log-head 1 ${segment} ${first}`));
}

/** The head in these bytes; undefined if they are damaged. */
export function decodeHead(bytes: Uint8Array): Head | undefined {
  const [segment, first] = fieldsOf(Buffer.from(bytes).toString("latin1"), "holdfast-log-head") ?? [];
  return first === undefined ? undefined : { segment: Number(segment), first: Number(first) };
}
