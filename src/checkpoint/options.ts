/** Options of checkpoints. */
import { Buffer } from "node:buffer";
import type { Durability } from "../core/prepare.ts";
import type { StandardSchema } from "../file/index.ts";
import type { Progress } from "../format/checkpoint.ts";
import { FINGERPRINT_BYTES_MAX, KEEP_GENERATIONS_MAX, LOCK_TIMEOUT_MAX_MS } from "../util/limits.ts";
import { type Check, integer, isBoolean, isFunction, isPath, isSchema, oneOf, positive } from "../util/options.ts";
import type { Codec } from "./codec.ts";

/** Options of {@link Checkpoint.open}. */
export interface OpenCheckpointOptions<State> {
  /** Only to read, while a run saves or not: takes no lock, makes no directory, writes nothing. Default false. */
  readonly readOnly?: boolean | undefined;
  /** What a state must match, when it is saved and when it is loaded. Any library that implements Standard Schema. */
  readonly schema?: StandardSchema<unknown, State> | undefined;
  /** Good generations that are kept, 1 to 1000. Default 3. */
  readonly keep?: number | undefined;
  /**
   * What the job depends on (filters, a model, a version), as a value that JSON has a text for, of at most 64 KiB. A checkpoint
   * with another one is refused with the difference.
   */
  readonly fingerprint?: unknown;
  /** Load a checkpoint also if its fingerprint is another one. Default false. */
  readonly anyFingerprint?: boolean | undefined;
  /** How a state becomes bytes. Default: JSON. */
  readonly codec?: Codec<State> | undefined;
  /** How long a saved state lasts. Default `"durable"`. */
  readonly durability?: Durability | undefined;
  /** The caller's own version of the state, 1 to 2^53 - 1. Default 1. What has a greater one is `FORMAT_TOO_NEW`. */
  readonly version?: number | undefined;
  /**
   * Makes a state of this version from an older one; `from` is undefined for the file `legacy`. What it was made from stays on
   * the disk.
   */
  readonly migrate?: ((value: unknown, from: number | undefined) => Promise<State> | State) | undefined;
  /** A JSON file that the job kept before it had checkpoints: loaded while there is no generation, and never changed. */
  readonly legacy?: string | URL | undefined;
  /** Longest wait for another run that has the checkpoint, in milliseconds, 0 to 86400000. Default 250. */
  readonly lockTimeoutMs?: number | undefined;
}

/** Options of {@link Checkpoint.save}. */
export interface SaveOptions {
  /** How far the job is, for people who look: stored beside the state. */
  readonly progress?: Progress | undefined;
}

/** Options of {@link Checkpoint.history}. */
export interface HistoryOptions {
  /** Read every generation whole and check it. Default false: only their first lines are read. */
  readonly verify?: boolean | undefined;
}

const isCodec: Check = (value) => {
  const { name, encode, decode } = Object(value) as Partial<Record<string, unknown>>;
  const is = typeof name === "string" && typeof encode === "function" && typeof decode === "function";
  return is ? undefined : "a codec: { name, encode, decode }";
};

const isFingerprint: Check = (value) => {
  const text = jsonText(value);
  const fits = text !== undefined && Buffer.byteLength(text) <= FINGERPRINT_BYTES_MAX;
  return fits ? undefined : `something JSON has a text for, of at most ${FINGERPRINT_BYTES_MAX} bytes`;
};

function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof TypeError) return undefined; // a cycle, a bigint
    throw error;
  }
}

const isProgress: Check = (value) => {
  const { done, total, ...more } = Object(value) as { readonly done?: unknown; readonly total?: unknown };
  const counts = [done, total ?? 0].every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
  return counts && Object.keys(more).length === 0 ? undefined : "{ done, total } with whole numbers";
};

export const OPEN = {
  readOnly: isBoolean,
  schema: isSchema,
  keep: positive(KEEP_GENERATIONS_MAX),
  fingerprint: isFingerprint,
  anyFingerprint: isBoolean,
  codec: isCodec,
  durability: oneOf("durable", "atomic", "volatile"),
  version: positive(Number.MAX_SAFE_INTEGER),
  migrate: isFunction,
  legacy: isPath,
  lockTimeoutMs: integer(LOCK_TIMEOUT_MAX_MS),
};
export const SAVE = { progress: isProgress };
export const HISTORY = { verify: isBoolean };
