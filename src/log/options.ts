/** Options of logs. */

import type { Durability } from "../core/prepare.ts";
import { RECORD_BYTES_MAX, SEGMENT_BYTES_MAX } from "../util/limits.ts";
import { type Check, integer, isBoolean, isFunction, isSignal, oneOf } from "../util/options.ts";

/** Options of {@link openLog}. */
export interface OpenLogOptions {
  /** A segment of this size is followed by a new one; 1 to 1073741824. Default 16777216. */
  readonly segmentBytes?: number | undefined;
  /**
   * Default `durable`: an append has survived a power loss once it has resolved. `atomic`: it survives the death of the process;
   * after a power loss the newest records may be gone, and the others are there. `volatile` costs and does the same as `atomic`
   * in a log.
   */
  readonly durability?: Durability | undefined;
  /** Only to read: nothing is written, locked or recovered, and no directory is made. Default false. */
  readonly readOnly?: boolean | undefined;
  /** Ends the wait for other processes while the log is opened. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Log.read} and {@link Log.tail}. */
export interface ReadLogOptions {
  /** Position of the first record. Default: the oldest there is. */
  readonly from?: number | undefined;
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Log.snapshot}. */
export interface SnapshotOptions {
  /** Ends it, until the snapshot has its name. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Log.verify}. */
export interface VerifyLogOptions {
  /** Is told now and then how many bytes were read; compare with `countedBytes` of {@link Log.stat}. */
  readonly onProgress?: ((readBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const segmentBytes: Check = (value) => (value === 0 ? "at least 1" : integer(SEGMENT_BYTES_MAX)(value));

export const OPEN = {
  segmentBytes,
  durability: oneOf("durable", "atomic", "volatile"),
  readOnly: isBoolean,
  signal: isSignal,
};
export const READ = { from: integer(Number.MAX_SAFE_INTEGER), signal: isSignal };

export const ABORTABLE = { signal: isSignal };
export const VERIFY = { ...ABORTABLE, onProgress: isFunction };

/** Refuses what can't be a position. */
export function checkPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) throw new RangeError("a position is an integer from 0");
}

/** A record's bytes, checked. */
export function recordBytes(record: unknown): Uint8Array {
  if (!(record instanceof Uint8Array)) throw new TypeError("a record must be a Uint8Array");
  if (record.length > RECORD_BYTES_MAX) throw new RangeError(`a record must have at most ${RECORD_BYTES_MAX} bytes`);
  return record;
}
