/**
 * Every failure of Holdfast is one class with three answers: `code` (what happened), `kind` (what the caller should do)
 * and `outcome` (what is on disk now). `docs/ERRORS.md` is generated from the table below.
 */

/**
 * What is on disk after an error: `unchanged`, the old state; `committed`, the new state; `unknown`, one of the two,
 * whole, and which one shows only when it is read again.
 */
export type Outcome = "unchanged" | "committed" | "unknown";

/** What the caller should do about an error. Coarse on purpose: a new kind only where a caller would act differently. */
export type ErrorKind =
  | "aborted"
  | "conflict"
  | "corrupt"
  | "internal"
  | "io"
  | "missing"
  | "closed"
  | "unavailable"
  | "unsupported";

interface CodeEntry {
  readonly kind: ErrorKind;
  /** What happened, as the start of the message. */
  readonly what: string;
  /** What to do, as the end of the message. */
  readonly advice: string;
}

/** The stable codes. Codes and kinds are API, messages are not. */
export const ERROR_CODES = {
  ABORTED: { kind: "aborted", what: "the operation was aborted", advice: "start it again when you want it" },
  ASSERTION: { kind: "internal", what: "Holdfast broke a rule of its own", advice: "report this as a bug" },
  BUSY: { kind: "unavailable", what: "another program or a mount holds the file", advice: "close what holds it, then try again" },
  CHANGED: {
    kind: "conflict",
    what: "the content is not what was expected",
    advice: "read it again, and decide anew",
  },
  CLOSED: { kind: "closed", what: "it was already committed, discarded or closed", advice: "open a new one" },
  CORRUPT_CHECKPOINT: {
    kind: "corrupt",
    what: "no generation of the checkpoint can be used",
    advice: "details.damaged has each cause; restore one from a copy, or clear the checkpoint to start anew",
  },
  CORRUPT_JOURNAL: {
    kind: "corrupt",
    what: "the record of an interrupted commit is damaged, or what it needs is lost",
    advice: "run holdfast doctor on the directory",
  },
  CORRUPT_JSON: { kind: "corrupt", what: "the file is not valid JSON", advice: "restore it from a good copy" },
  CORRUPT_LOG: {
    kind: "corrupt",
    what: "the log is damaged",
    advice: "details say where; all before it can be read; restore the rest from a good copy",
  },
  CORRUPT_TILES: {
    kind: "corrupt",
    what: "the tile set is damaged",
    advice: "details say what; repairTileSet rebuilds an index, and tiles are written again or restored from a good copy",
  },
  EXISTS: { kind: "conflict", what: "the name is already taken", advice: "choose another name, or allow that it is replaced" },
  FINGERPRINT_MISMATCH: {
    kind: "conflict",
    what: "the checkpoint is of another job",
    advice: "details.differences says how it differs; choose another path, clear it, or load it with anyFingerprint",
  },
  FORMAT_TOO_NEW: {
    kind: "unsupported",
    what: "it was written by a newer version",
    advice: "use that version; this one leaves it as it is",
  },
  INVALID_NAME: { kind: "unsupported", what: "the name can't be stored on this file system", advice: "choose another name" },
  IO: {
    kind: "io",
    what: "the operating system reported an error",
    advice: "look at the cause, then start the whole operation again",
  },
  LOCKED: {
    kind: "conflict",
    what: "another owner has the lock",
    advice: "wait and try again; details say who has it",
  },
  NOT_A_DIRECTORY: { kind: "unsupported", what: "the path is not a directory", advice: "name a directory" },
  NOT_A_FILE: { kind: "unsupported", what: "the path is not a regular file", advice: "name a regular file" },
  NOT_FOUND: {
    kind: "missing",
    what: "there is no such file or directory",
    advice: "check the path; option parents creates directories",
  },
  NO_SPACE: {
    kind: "unavailable",
    what: "no space is left on the disk, or a quota or size limit is reached",
    advice: "free some space, then try again",
  },
  PERMISSION: {
    kind: "unavailable",
    what: "the operating system refused access",
    advice: "check owner and mode of the file and its directory",
  },
  READ_ONLY: { kind: "unavailable", what: "the file system is read-only", advice: "mount it writable, or choose another place" },
  SCHEMA_MISMATCH: { kind: "corrupt", what: "the value does not match its schema", advice: "look at details.issues" },
  SOURCE_FAILED: {
    kind: "aborted",
    what: "the data source failed",
    advice: "look at the cause; write again with a working source",
  },
  SUPERSEDED: {
    kind: "conflict",
    what: "somebody else put something in the target's place while it was replaced",
    advice: "details.kept says where the new and the old content are",
  },
  SYMLINK: {
    kind: "conflict",
    what: "the path is, or leads through, a symbolic link that is not followed",
    advice: 'choose symlink "follow" or "replace", or name its target',
  },
  SYNC_FAILED: {
    kind: "io",
    what: "the disk failed to make written data durable",
    advice: "never retry the sync; check the disk, then write again",
  },
  TOO_MANY_FILES: { kind: "unavailable", what: "too many files are open", advice: "close some, or raise the limit (ulimit -n)" },
  WRITER_FAILED: {
    kind: "aborted",
    what: "a writer of the staged directory failed",
    advice: "look at the cause; stage the directory again",
  },
  UNSUPPORTED: {
    kind: "unsupported",
    what: "this platform or file system can't give what was asked",
    advice: "ask for less explicitly, or choose another place",
  },
} as const satisfies Record<string, CodeEntry>;

/** A stable error code; the table is `docs/ERRORS.md`. */
export type ErrorCode = keyof typeof ERROR_CODES;

const ON_DISK: Record<Outcome, string> = {
  unchanged: "nothing was changed on disk",
  committed: "the new content is on disk",
  unknown: "the old or the new content is on disk, whole: read it before you go on",
};

/** Facts for programs, next to the message for people. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

interface ErrorFields {
  /** Overrides the table's first words where more is known. */
  readonly what?: string | undefined;
  readonly outcome?: Outcome | undefined;
  readonly path?: string | undefined;
  readonly op?: string | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
}

const BRAND = Symbol.for("holdfast.HoldfastError");

/**
 * The one error class of Holdfast. Wrong arguments are plain `TypeError` or `RangeError` instead.
 *
 * Tell errors apart with {@link isHoldfastError} and `code`; `instanceof` fails when two copies of the package are loaded.
 */
export class HoldfastError extends Error {
  /** Stable code, e.g. `"NO_SPACE"`. */
  readonly code: ErrorCode;
  /** What the caller should do. */
  readonly kind: ErrorKind;
  /** What is on disk now. */
  readonly outcome: Outcome;
  /** The path it is about, where there is one. */
  readonly path: string | undefined;
  /** The request to the machine that failed, e.g. `"rename"`. */
  readonly op: string | undefined;
  /** Further facts, e.g. `{ errno: "ENOSPC", attempts: 3 }`. */
  readonly details: ErrorDetails;

  /** @internal Made by the library only. */
  constructor(code: ErrorCode, fields: ErrorFields = {}) {
    const { kind, what, advice }: CodeEntry = ERROR_CODES[code];
    const outcome = fields.outcome ?? "unchanged";
    const facts = [
      ["path", fields.path],
      ["op", fields.op],
      ["errno", fields.details?.["errno"]],
    ]
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
    super(
      `${fields.what ?? what}; ${ON_DISK[outcome]}; ${advice}${facts.join("")}`,
      fields.cause === undefined ? {} : { cause: fields.cause },
    );
    // Level and Node agree that an aborted operation keeps the standard name.
    this.name = code === "ABORTED" ? "AbortError" : "HoldfastError";
    this.code = code;
    this.kind = kind;
    this.outcome = outcome;
    this.path = fields.path;
    this.op = fields.op;
    this.details = Object.freeze({ ...fields.details });
    Object.defineProperty(this, BRAND, { value: fields.what });
  }

  /** @internal The same error, saying that this is on disk now. */
  settled(outcome: Outcome, details: ErrorDetails = {}): HoldfastError {
    if (outcome === this.outcome && Object.keys(details).length === 0) return this;
    const what = (this as unknown as { [BRAND]?: string })[BRAND];
    const { path, op, cause } = this;
    return new HoldfastError(this.code, { what, outcome, path, op, cause, details: { ...this.details, ...details } });
  }

  /** For logs and `--json`: every field but the stack. */
  toJSON(): Record<string, unknown> {
    const { name, code, kind, outcome, path, op, details, message } = this;
    return { name, code, kind, outcome, path, op, details, message };
  }
}

/** Whether `error` is a {@link HoldfastError}, of any copy of the package, with one of `codes` where some are given. */
export function isHoldfastError(error: unknown, ...codes: readonly ErrorCode[]): error is HoldfastError {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return codes.length === 0 || codes.includes((error as unknown as HoldfastError).code);
}

/**
 * Errors that libuv has no name for, by their numbers on Linux and macOS. Node gives them the code "Unknown system error
 * -122", its synchronous calls "UNKNOWN" with an errno of -122.
 */
const UNNAMED: Readonly<Record<string, string>> = {
  37: "ENOLCK",
  69: "EDQUOT",
  70: "ESTALE",
  77: "ENOLCK",
  116: "ESTALE",
  122: "EDQUOT",
};

/** The errno name of a Node or simulated system error, or `""`. */
export function errnoOf(error: unknown): string {
  if (isHoldfastError(error)) return String(error.details["errno"] ?? "");
  if (!(error instanceof Error && "code" in error)) return "";
  const code = String(error.code);
  const unnamed = code === "UNKNOWN" && "errno" in error ? `Unknown system error ${error.errno}` : code;
  return UNNAMED[/^Unknown system error -(\d+)$/.exec(unnamed)?.[1] ?? ""] ?? code;
}

/** ENOENT is not here: an unexpected one is IO, and what was looked for is NOT_FOUND only where a program says so. */
const CODE_OF_ERRNO: Readonly<Record<string, ErrorCode>> = {
  EACCES: "PERMISSION",
  EBUSY: "BUSY",
  EDQUOT: "NO_SPACE",
  EFBIG: "NO_SPACE",
  ELOOP: "SYMLINK",
  EMFILE: "TOO_MANY_FILES",
  ENAMETOOLONG: "INVALID_NAME",
  ENFILE: "TOO_MANY_FILES",
  ENOLCK: "UNSUPPORTED",
  ENOSPC: "NO_SPACE",
  ENOTDIR: "NOT_FOUND",
  EPERM: "PERMISSION",
  EROFS: "READ_ONLY",
  ETXTBSY: "BUSY",
};

/** Errors after which a change of a name certainly did not happen. EIO and ENOENT (a lost NFS reply) are not among them. */
const NOT_APPLIED: ReadonlySet<string> = new Set([
  "EACCES",
  "EBUSY",
  "EDQUOT",
  "EEXIST",
  "EISDIR",
  "ELOOP",
  "EMLINK",
  "ENAMETOOLONG",
  "ENOSPC",
  "ENOSYS",
  "ENOTDIR",
  "ENOTEMPTY",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EPERM",
  "EROFS",
  "EXDEV",
]);

/** Whether a failed change of a name certainly left the names as they were. */
export function certainlyNotApplied(error: unknown): boolean {
  return NOT_APPLIED.has(errnoOf(error));
}

/** Whether a sync itself has failed, and not the open before it: then what it was to cover may never reach the disk. */
export function isFailedSync(error: unknown): boolean {
  const { syscall } = (error instanceof Error ? error : {}) as { syscall?: string };
  return syscall === "fsync" || syscall === "fdatasync";
}

/**
 * What leaves the library for `error`: our own errors and wrong arguments as they are, anything else by its errno, each
 * saying what is on disk now. `alsoFailed` counts further failures of the same unit of work.
 */
export function toHoldfastError(error: unknown, outcome: Outcome, alsoFailed = 0): Error {
  const more: ErrorDetails = alsoFailed > 0 ? { alsoFailed } : {};
  if (isHoldfastError(error)) return error.settled(outcome, more);
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const errno = errnoOf(error);
  const { path, syscall } = (error instanceof Error ? error : {}) as { path?: string; syscall?: string };
  const known = CODE_OF_ERRNO[errno] ?? "IO";
  const code = known === "IO" && isFailedSync(error) ? "SYNC_FAILED" : known;
  return new HoldfastError(code, { outcome, path, op: syscall, cause: error, details: { ...(errno ? { errno } : {}), ...more } });
}
