/** Options of transactions. */
import type { Durability } from "../core/prepare.ts";
import { LOCK_TIMEOUT_MAX_MS } from "../util/limits.ts";
import { type Check, type Checks, integer, isBoolean, isSignal, oneOf } from "../util/options.ts";

/** Options of {@link transactionSync}. `undefined` is the default everywhere. */
export interface TransactionSyncOptions {
  /** How long the changes last once the call has returned. Default `"durable"`. */
  readonly durability?: Durability | undefined;
  /** Fail with `UNSUPPORTED`, before anything is staged, where `durability` can't be reached. Default false. */
  readonly strict?: boolean | undefined;
  /**
   * Longest wait for another transaction that is about the same path, or about one above or below it; in milliseconds, 0 to
   * 86400000. Default 10000.
   */
  readonly lockTimeoutMs?: number | undefined;
}

/** Options of {@link transaction}. */
export interface TransactionOptions extends TransactionSyncOptions {
  /** Aborts the transaction, up to its commit point. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link recover}. */
export interface RecoverOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What has to be so, or nothing is changed. */
export interface Precondition {
  /** Fail with `EXISTS` if there is something. Default false. */
  readonly ifAbsent?: boolean | undefined;
  /** Fail with `CHANGED` unless there is a file whose SHA-256, in hexadecimal, is this. */
  readonly ifDigest?: string | undefined;
}

/** Options of {@link Transaction.write} and {@link Transaction.writeStream}. */
export interface WriteChangeOptions extends Precondition {
  /** Permission bits, 0 to 0o7777, set exactly. Default: those of the replaced file; 0o666 less umask for a new one. */
  readonly mode?: number | undefined;
}

/** Options of {@link Transaction.writeDirectory}. */
export interface WriteDirectoryOptions {
  /** Replace a directory that has content, with all that is in it. Default false: `EXISTS`. An empty directory is always replaced. */
  readonly replace?: boolean | undefined;
  /** Permission bits, 0 to 0o7777, less umask. Default 0o777. A directory that is there keeps its own. */
  readonly mode?: number | undefined;
}

/** Options of {@link Transaction.makeDirectory}. */
export type MakeDirectoryOptions = Pick<WriteDirectoryOptions, "mode">;

/** Options of {@link Transaction.remove}. */
export interface RemoveOptions extends Pick<Precondition, "ifDigest"> {
  /** Remove a directory that has content, with all that is in it. Default false: `EXISTS`. */
  readonly recursive?: boolean | undefined;
}

/** Options of {@link Transaction.rename}. `ifAbsent` is about the new name, `ifDigest` about the file. */
export interface RenameOptions extends Precondition {}

const MODE_MAX = 0o7777;
const SHA256 = /^[0-9a-fA-F]{64}$/;
const isDigest: Check = (value) =>
  typeof value === "string" && SHA256.test(value) ? undefined : "a SHA-256, as 64 hexadecimal digits";

const SYNC = {
  durability: oneOf("durable", "atomic", "volatile"),
  strict: isBoolean,
  lockTimeoutMs: integer(LOCK_TIMEOUT_MAX_MS),
} as const satisfies Checks;
const PRECONDITION = { ifAbsent: isBoolean, ifDigest: isDigest } as const satisfies Checks;
const mode = integer(MODE_MAX, "0o7777");

/** The options each function knows. */
export const OPTIONS = {
  transaction: { ...SYNC, signal: isSignal },
  transactionSync: SYNC,
  recover: { signal: isSignal },
  write: { ...PRECONDITION, mode },
  makeDirectory: { mode },
  writeDirectory: { replace: isBoolean, mode },
  remove: { ifDigest: isDigest, recursive: isBoolean },
  rename: PRECONDITION,
  read: { encoding: oneOf("utf8") },
} as const satisfies Record<string, Checks>;
