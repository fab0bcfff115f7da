/** Options of the file functions. */
import type { Durability } from "../core/prepare.ts";
import type { SymlinkPolicy } from "../core/target.ts";
import { never } from "../io/abort.ts";
import { HELD_BUDGET_MAX_MS, LOCK_TIMEOUT_MAX_MS } from "../util/limits.ts";
import { type Checks, integer, isBoolean, isPath, isSchema, isSignal, oneOf } from "../util/options.ts";

/** Options of {@link writeFileSync}. `undefined` is the default everywhere. */
export interface WriteFileSyncOptions {
  /** How long the content lasts once the call has returned. Default `"durable"`. */
  readonly durability?: Durability | undefined;
  /** Fail with `UNSUPPORTED`, before anything is written, where `durability` can't be reached. Default false. */
  readonly strict?: boolean | undefined;
  /** Permission bits, 0 to 0o7777, set exactly. Default: those of the replaced file; 0o666 less umask for a new one. */
  readonly mode?: number | undefined;
  /** What to do if the path is a symbolic link. Default `"follow"`, a dangling one too. */
  readonly symlink?: SymlinkPolicy | undefined;
  /** Fail with `EXISTS` instead of replacing. Needs hard links. Default false. */
  readonly ifAbsent?: boolean | undefined;
  /** Make missing directories, each made durable. They stay if the write then fails. Default false. */
  readonly parents?: boolean | undefined;
  /**
   * How long to try, in milliseconds, 0 to 50000, while another program holds the file open (Windows only).
   * Default 10000, in synchronous functions 2000.
   */
  readonly busyTimeoutMs?: number | undefined;
}

/** Options of {@link stageFile} and {@link createWriteStream}. */
export interface StageFileOptions extends WriteFileSyncOptions {
  /** Aborts the operation, up to its commit point. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link writeFile}. */
export interface WriteFileOptions extends StageFileOptions {
  /** Of several writes that wait for this file, make only the newest; the others then resolve with it. Default false. */
  readonly coalesce?: boolean | undefined;
  /**
   * If the process ends before this has landed, by itself, by `process.exit` or by an error, write it synchronously then. One that
   * is killed loses it. Not for iterables, nor with `ifAbsent`. Default false.
   */
  readonly flushAtExit?: boolean | undefined;
}

/** Where and how long {@link updateFile} locks. */
interface UpdateLockOptions {
  /** Longest wait for another update of the file, in milliseconds, 0 to 86400000. Default 10000. */
  readonly lockTimeoutMs?: number | undefined;
  /** An existing directory for the lock file. The same for all who update the file. Default: beside the file. */
  readonly lockDirectory?: string | URL | undefined;
}

/** Options of {@link updateFileSync}. */
export interface UpdateFileSyncOptions extends Omit<WriteFileSyncOptions, "ifAbsent">, UpdateLockOptions {}

/** Options of {@link updateFile}. */
export interface UpdateFileOptions extends Omit<StageFileOptions, "ifAbsent">, UpdateLockOptions {}

/** Options of {@link readFileSync}. */
export interface ReadFileSyncOptions {
  /** `"utf8"` gives a string, which must be valid UTF-8 text or has U+FFFD where it is not. Default: bytes. */
  readonly encoding?: "utf8" | undefined;
  /** As for writing. */
  readonly busyTimeoutMs?: number | undefined;
}

/** Options of {@link readFile}. */
export interface ReadFileOptions extends ReadFileSyncOptions {
  readonly signal?: AbortSignal | undefined;
}

const MODE_MAX = 0o7777;
const INDENT_MAX = 10;

const REPLACE_SYNC = {
  durability: oneOf("durable", "atomic", "volatile"),
  strict: isBoolean,
  mode: integer(MODE_MAX, "0o7777"),
  symlink: oneOf("follow", "replace", "refuse"),
  parents: isBoolean,
  busyTimeoutMs: integer(HELD_BUDGET_MAX_MS),
} as const satisfies Checks;
const WRITE_SYNC = { ...REPLACE_SYNC, ifAbsent: isBoolean } as const satisfies Checks;
const UPDATE_SYNC = {
  ...REPLACE_SYNC,
  lockTimeoutMs: integer(LOCK_TIMEOUT_MAX_MS),
  lockDirectory: isPath,
} as const satisfies Checks;
const STAGE = { ...WRITE_SYNC, signal: isSignal } as const satisfies Checks;
const WRITE = { ...STAGE, coalesce: isBoolean, flushAtExit: isBoolean } as const satisfies Checks;
const READ_SYNC = { encoding: oneOf("utf8"), busyTimeoutMs: WRITE_SYNC.busyTimeoutMs } as const satisfies Checks;

/** The options each function knows. */
export const OPTIONS = {
  write: WRITE,
  writeSync: WRITE_SYNC,
  stage: STAGE,
  read: { ...READ_SYNC, signal: isSignal },
  readSync: READ_SYNC,
  update: { ...UPDATE_SYNC, signal: isSignal },
  updateSync: UPDATE_SYNC,
  updateJson: { ...UPDATE_SYNC, signal: isSignal, indent: integer(INDENT_MAX), schema: isSchema },
  writeJson: { ...WRITE, indent: integer(INDENT_MAX), schema: isSchema },
  readJson: { busyTimeoutMs: WRITE_SYNC.busyTimeoutMs, signal: isSignal, schema: isSchema },
} as const satisfies Record<string, Checks>;

/** The signal of a call, or one that never aborts. */
export function signalOf({ signal }: { readonly signal?: AbortSignal | undefined }): AbortSignal {
  return signal ?? never;
}
