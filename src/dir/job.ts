/** What staging a directory and staging an output have in common. */
import * as path from "node:path";
import { makeDirs } from "../core/make-dirs.ts";
import { type Durability, memoryOf, prepare, sweepFirst } from "../core/prepare.ts";
import { notEmpty } from "../core/publish-tree.ts";
import { resolveEntry, type Target } from "../core/target.ts";
import { HoldfastError } from "../errors.ts";
import type { FileSystem, Machine, Stat } from "../io/io.ts";
import { list, lstat, type Program, traits } from "../io/program.ts";
import type { StageDirectoryOptions } from "./options.ts";

/** One unit, with its options filled in. */
export interface Job {
  readonly machine: Machine;
  readonly options: StageDirectoryOptions;
  readonly durability: Durability;
}

/** The place that the unit will take. */
export interface Place {
  readonly target: Target;
  readonly existing: Stat | undefined;
  readonly on: FileSystem;
}

/** The job of these options. */
export function jobOf(options: StageDirectoryOptions, machine: Machine): Job {
  return { machine, options, durability: options.durability ?? "durable" };
}

/**
 * Finds the place, puts right what dead owners left beside it, and refuses what can't be replaced, all before anything is staged.
 */
export function* findPlace(given: string, job: Job): Program<Place> {
  const { options, durability, machine } = job;
  const name = path.basename(given);
  if (name === "") throw new HoldfastError("INVALID_NAME", { what: "the root of a file system can't be replaced", path: given });
  if (options.parents) {
    const refused = (yield* traits()).refuseName(name);
    if (refused !== undefined) throw new HoldfastError("INVALID_NAME", { what: refused, path: given });
    yield* makeDirs(path.dirname(given), durability === "durable");
  }
  const target = yield* resolveEntry(given, options.symlink ?? "follow");
  const memory = memoryOf(machine);
  const sweptBefore = memory.swept.has(target.dirId);
  const on = yield* prepare(target, { durability, strict: options.strict ?? false }, memory);
  // Each time, not once a process: a commit that is half done is not what this one may build on.
  if (on.local && sweptBefore) yield* sweepFirst(target.dir, { unitsOnly: true });
  const existing = yield* lstat(target.path);
  if (existing?.kind === "directory" && !options.replace && (yield* list(target.path)).length > 0) throw yield* notEmpty(target);
  return { target, existing, on };
}

/** Refuses a target that is there and can't be replaced by a directory. */
export function refuseUnlessDirectory(existing: Stat | undefined, path: string): void {
  if (existing && existing.kind !== "directory") throw new HoldfastError("NOT_A_DIRECTORY", { path });
}
