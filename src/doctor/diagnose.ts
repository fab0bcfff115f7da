import type { Finding, FindingState } from "../core/finding.ts";
import { errnoOf, HoldfastError, isHoldfastError } from "../errors.ts";
import { never } from "../io/abort.ts";
import { currentMachine } from "../io/current.ts";
import type { FileSystem, Machine } from "../io/io.ts";
import { type Program, stat } from "../io/program.ts";
import { run } from "../io/run.ts";
import { EXAMINED_AT_ONCE } from "../util/limits.ts";
import { checkOptions, isBoolean, isFunction, isSignal } from "../util/options.ts";
import { absoluteDirectory, pathIn } from "../util/path.ts";
import { type Known, type Looked, lookInto } from "./things.ts";

/** Options of {@link diagnose}. */
export interface DiagnoseOptions {
  /** Remove what the dead left, finish their commits, quarantine what is damaged. Default false: nothing is changed. */
  readonly repair?: boolean | undefined;
  /** Is called with each thing, and waited for: nothing is kept, so that any number of them needs little memory. */
  readonly onFinding?: ((finding: Finding) => unknown) | undefined;
  /** Is called after each directory, and in a large one after each few things. */
  readonly onProgress?: ((progress: DiagnosisProgress) => void) | undefined;
  /** Ends the walk between two steps. What was repaired stays so. */
  readonly signal?: AbortSignal | undefined;
}

/** How far the walk has come. */
export interface DiagnosisProgress {
  readonly directoryCount: number;
  readonly findingCount: number;
  /** The last directory. */
  readonly path: string;
}

/** What was found, in numbers. */
export interface Diagnosis {
  /** Directories that were looked at. */
  readonly directoryCount: number;
  readonly findingCount: number;
  /** Findings by their state before any repair. */
  readonly states: Readonly<Record<FindingState, number>>;
  /** What was repaired. */
  readonly repairedCount: number;
  /** What repair would do something about. */
  readonly repairableCount: number;
  /** What could not be looked at, or not be repaired. */
  readonly failedCount: number;
  /** Things that are damaged, and that no repair mends. */
  readonly damagedCount: number;
}

const OPTIONS = { repair: isBoolean, onFinding: isFunction, onProgress: isFunction, signal: isSignal };

/**
 * Finds everything of Holdfast in a directory and all below it: staged files and directories, interrupted commits, what is in
 * quarantine, lock files; says what each is, whose, and whether the owner lives; and with `repair` puts right what the dead left.
 *
 * Guarantee: without `repair` nothing is changed. What a live owner has is never touched, and neither is what nothing proves to
 * be dead. Nothing is removed but content of dead owners that was never committed, or was replaced by a commit that is durable;
 * what can't be told is moved to quarantine, which is never emptied. Repair can be killed at any moment and done again.
 *
 * Symbolic links are not followed; other file systems that are mounted below are entered. A directory that can't be read is a
 * finding, and the walk goes on.
 *
 * Cost: one listing for each directory, a few look-ups for each finding. A lock whose note says that it is
 * held, and what is staged, is locked shared for a moment: `tryLock` of somebody else can fail in it.
 *
 * @throws {HoldfastError} `NOT_FOUND`, `NOT_A_DIRECTORY`, `PERMISSION` of `path` itself; `ABORTED`.
 * @throws What `onFinding` throws.
 * @example
 * const { repairableCount } = await diagnose("data", { onFinding: ({ path, text }) => console.log(path, text) });
 * if (repairableCount > 0) await diagnose("data", { repair: true });
 */
export async function diagnose(path: string | URL, options?: DiagnoseOptions): Promise<Diagnosis> {
  return await new Walk(checkOptions(options, OPTIONS), currentMachine()).from(absoluteDirectory(path));
}

class Walk {
  readonly #options: DiagnoseOptions;
  readonly #machine: Machine;
  readonly #states: Record<FindingState, number> = {
    damaged: 0,
    dead: 0,
    idle: 0,
    live: 0,
    quarantined: 0,
    unknown: 0,
    unreadable: 0,
  };
  #directoryCount = 0;
  #findingCount = 0;
  #repairedCount = 0;
  #repairableCount = 0;
  #failedCount = 0;
  #damagedCount = 0;

  constructor(options: DiagnoseOptions, machine: Machine) {
    this.#options = options;
    this.#machine = machine;
  }

  async from(root: string): Promise<Diagnosis> {
    let looked: Looked | undefined = await this.#run(lookIntoRoot(root));
    const pending: string[] = [];
    for (let dir: string | undefined = root; dir !== undefined; dir = pending.pop()) {
      looked ??= await this.#lookInto(dir);
      if (looked) await this.#visit(dir, looked);
      for (const next of looked?.subdirectories ?? []) pending.push(next);
      looked = undefined;
    }
    return {
      directoryCount: this.#directoryCount,
      findingCount: this.#findingCount,
      states: this.#states,
      repairedCount: this.#repairedCount,
      repairableCount: this.#repairableCount,
      failedCount: this.#failedCount,
      damagedCount: this.#damagedCount,
    };
  }

  #run<T>(program: Program<T>): Promise<T> {
    return run(program, this.#machine.io, this.#options.signal ?? never);
  }

  async #lookInto(path: string): Promise<Looked | undefined> {
    try {
      return await this.#run(lookInto(path));
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined; // it was removed since its parent was listed
      const text = "the directory can't be read, so what is in it is not known";
      await this.#tell({ path, kind: "directory", state: "unreadable", repair: "kept", text, error: failureOf(error) });
      return undefined;
    }
  }

  /** Looks at some things at once; repairs one after the other, as some repairs exclude each other. */
  async #visit(path: string, { things, on }: Looked): Promise<void> {
    this.#directoryCount++;
    for (let start = 0; start === 0 || start < things.length; start += EXAMINED_AT_ONCE) {
      const batch = things.slice(start, start + EXAMINED_AT_ONCE);
      const looks = await Promise.allSettled(batch.map((known) => this.#examine(known, on)));
      for (const [index, look] of looks.entries()) {
        if (look.status === "rejected") throw look.reason;
        if (look.value) await this.#tell(await this.#repair(batch[index] as Known, look.value));
      }
      this.#options.onProgress?.({ directoryCount: this.#directoryCount, findingCount: this.#findingCount, path });
    }
  }

  async #examine({ kind, thing }: Known, on: FileSystem | undefined): Promise<Finding | undefined> {
    try {
      const found = await this.#run(kind.examine(thing));
      if (!found || found.state === "idle" || found.state === "quarantined" || on?.local) return found;
      const text = `the file system (${on?.name}) is not known to be local, and elsewhere locks and times prove nothing`;
      return { ...found, state: "unknown", repair: "kept", text };
    } catch (error) {
      const [name = ""] = thing.names;
      const text = "it can't be looked at";
      return {
        path: pathIn(thing.dir, name),
        kind: "unknown",
        state: "unreadable",
        repair: "kept",
        text,
        error: failureOf(error),
      };
    }
  }

  async #repair({ kind, thing }: Known, found: Finding): Promise<Finding> {
    if (!this.#options.repair || found.repair === "kept" || !kind.repair) return found;
    if (found.state === "idle" || found.state === "quarantined") return found;
    try {
      const done = await this.#run(kind.repair(thing));
      return { ...found, ...done, repaired: done.repair !== "kept" };
    } catch (error) {
      return { ...found, text: `${found.text}; it could not be repaired`, error: failureOf(error) };
    }
  }

  async #tell(finding: Finding): Promise<void> {
    this.#findingCount++;
    this.#states[finding.state]++;
    if (finding.error) this.#failedCount++;
    if (finding.repaired) this.#repairedCount++;
    else if (finding.repair !== "kept") this.#repairableCount++;
    else if (finding.state === "damaged") this.#damagedCount++;
    await this.#options.onFinding?.(finding);
  }
}

function* lookIntoRoot(root: string): Program<Looked> {
  const found = yield* stat(root);
  if (!found) throw new HoldfastError("NOT_FOUND", { path: root });
  if (found.kind !== "directory") throw new HoldfastError("NOT_A_DIRECTORY", { path: root });
  return yield* lookInto(root);
}

/** What is a finding; an abort, or a bug, is the end. */
function failureOf(error: unknown): Error {
  if (!isHoldfastError(error) || error.code === "ABORTED" || error.code === "ASSERTION") throw error;
  return error;
}
