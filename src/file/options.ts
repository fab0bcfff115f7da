/** Options of the file functions. An unknown key or a wrong value is refused before anything is touched. */
import type { Durability } from "../core/prepare.ts";
import type { SymlinkPolicy } from "../core/target.ts";
import { never } from "../io/abort.ts";
import { HELD_BUDGET_MAX_MS } from "../util/limits.ts";

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
}

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

/** A check that returns what a valid value is, if the value is not one. */
type Check = (value: unknown) => string | undefined;

const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : values.map((text) => JSON.stringify(text)).join(" or ");
const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "true or false");
const integer =
  (max: number, text: string): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max ? undefined : `an integer from 0 to ${text}`;
const isSignal: Check = (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal");

const MODE_MAX = 0o7777;

const CHECKS = {
  durability: oneOf("durable", "atomic", "volatile"),
  strict: isBoolean,
  mode: integer(MODE_MAX, "0o7777"),
  symlink: oneOf("follow", "replace", "refuse"),
  ifAbsent: isBoolean,
  parents: isBoolean,
  busyTimeoutMs: integer(HELD_BUDGET_MAX_MS, String(HELD_BUDGET_MAX_MS)),
  signal: isSignal,
  coalesce: isBoolean,
  encoding: oneOf("utf8"),
  indent: integer(10, "10"),
  schema: (value) => (typeof value === "object" || typeof value === "function" ? undefined : "a Standard Schema"),
} as const satisfies Record<string, Check>;

type OptionName = keyof typeof CHECKS;

const WRITE_SYNC: readonly OptionName[] = ["durability", "strict", "mode", "symlink", "ifAbsent", "parents", "busyTimeoutMs"];
const STAGE: readonly OptionName[] = [...WRITE_SYNC, "signal"];
const WRITE: readonly OptionName[] = [...STAGE, "coalesce"];
const READ_SYNC: readonly OptionName[] = ["encoding", "busyTimeoutMs"];

/** The options each function knows. */
export const OPTIONS = {
  write: WRITE,
  writeSync: WRITE_SYNC,
  stage: STAGE,
  read: [...READ_SYNC, "signal"],
  readSync: READ_SYNC,
  writeJson: [...WRITE, "indent", "schema"],
  readJson: ["busyTimeoutMs", "signal", "schema"],
} as const satisfies Record<string, readonly OptionName[]>;

/**
 * The given options, checked and copied.
 *
 * @throws {TypeError} Not an object, or a key that is not in `names`.
 * @throws {RangeError} A value that the option can't have.
 */
export function checkOptions<T extends object>(given: T | undefined, names: readonly OptionName[]): T {
  if (given === undefined) return {} as T;
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw new TypeError("options must be an object");
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!names.includes(name as OptionName))
      throw new TypeError(`unknown option ${JSON.stringify(name)}; known are ${names.join(", ")}`);
    if (value === undefined) continue;
    const wanted = CHECKS[name as OptionName](value);
    if (wanted !== undefined) throw new RangeError(`option ${name} must be ${wanted}; it is ${show(value)}`);
    checked[name] = value;
  }
  return checked as T;
}

function show(value: unknown): string {
  return typeof value === "number" || typeof value === "string" ? JSON.stringify(value) : `a ${typeof value}`;
}

/** The signal of a call, or one that never aborts. */
export function signalOf({ signal }: { readonly signal?: AbortSignal | undefined }): AbortSignal {
  return signal ?? never;
}
