/** Options of the directory functions. */
import type { Durability } from "../core/prepare.ts";
import { type Checks, integer, isBoolean, isSignal, oneOf } from "../util/options.ts";

/** Options of {@link stageOutput}. `undefined` is the default everywhere. */
export interface StageOutputOptions {
  /** How long the content lasts once it is committed. Default `"durable"`. */
  readonly durability?: Durability | undefined;
  /** Fail with `UNSUPPORTED`, before anything is staged, where `durability` can't be reached. Default false. */
  readonly strict?: boolean | undefined;
  /**
   * Replace a directory that has content, with all that is in it. Default false: `EXISTS`, which lists some of it. An empty
   * directory is always replaced.
   */
  readonly replace?: boolean | undefined;
  /** Make missing directories above the target, each made durable. They stay if nothing is committed. Default false. */
  readonly parents?: boolean | undefined;
  /** Aborts the operation, up to its commit point. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link stageDirectory}. */
export interface StageDirectoryOptions extends StageOutputOptions {
  /** Permission bits of the directory itself, 0 to 0o7777. Default: those of the replaced one; 0o777 less umask for a new one. */
  readonly mode?: number | undefined;
  /** What to do if the path is a symbolic link. Default `"follow"`: what it leads to is replaced. */
  readonly symlink?: "follow" | "refuse" | undefined;
}

/** Options of {@link StagedDirectory.writeFile}. */
export interface WriteStagedOptions {
  /** Permission bits of the file, 0 to 0o7777, less umask. Default 0o666. */
  readonly mode?: number | undefined;
}

const MODE_MAX = 0o7777;
const OUTPUT = {
  durability: oneOf("durable", "atomic", "volatile"),
  strict: isBoolean,
  replace: isBoolean,
  parents: isBoolean,
  signal: isSignal,
} as const satisfies Checks;

/** The options each function knows. */
export const OPTIONS = {
  output: OUTPUT,
  directory: { ...OUTPUT, mode: integer(MODE_MAX, "0o7777"), symlink: oneOf("follow", "refuse") },
  writeStaged: { mode: integer(MODE_MAX, "0o7777") },
} as const satisfies Record<string, Checks>;
