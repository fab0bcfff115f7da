/** The programs of one write, shared by its asynchronous, synchronous and staged forms. */
import * as path from "node:path";
import { makeDirs } from "../core/make-dirs.ts";
import { type Durability, type Memory, prepare, reached } from "../core/prepare.ts";
import { type Finish, type Replaced, replaceFile } from "../core/replace.ts";
import type { NotKept } from "../core/stage.ts";
import { lookAt, refuseUnlessFile, resolveTarget, type Target } from "../core/target.ts";
import { HoldfastError } from "../errors.ts";
import type { Source } from "../io/data.ts";
import type { FileSystem, Stat } from "../io/io.ts";
import { type Program, traits } from "../io/program.ts";
import type { WriteFileSyncOptions } from "./options.ts";
import type { Overtake } from "./write-order.ts";

/** What was written, and what was reached. */
export interface WriteResult {
  /** Size of the file now on disk under the path. */
  readonly sizeBytes: number;
  /** The level that was reached: less than asked where the platform or the file system gives no more. */
  readonly durability: Durability;
  /** What the new file could not be given of the old one: the owner, say, when written by another user. */
  readonly notKept: readonly NotKept[];
  /** True if a newer write of the same file landed instead: the path has the newer content, of `sizeBytes`. */
  readonly superseded: boolean;
}

/** One write, with its options filled in. */
export interface WriteJob {
  readonly path: string;
  readonly options: WriteFileSyncOptions;
  readonly durability: Durability;
  readonly heldBudgetMs: number;
  readonly memory: Memory;
}

/** Finds the directory entry to replace; makes missing directories first if asked. */
export function* locate({ path: given, options, durability }: WriteJob): Program<Target> {
  if (options.parents) {
    const { refuseName } = yield* traits();
    const refused = refuseName(path.basename(given));
    if (refused !== undefined) throw new HoldfastError("INVALID_NAME", { what: refused, path: given });
    yield* makeDirs(path.dirname(given), durability === "durable");
  }
  return yield* resolveTarget(given, options.symlink ?? "follow");
}

/** Learns what there is before anything is staged. `stale`: look again, other writes came between. */
export function* examine(target: Target, stale: boolean, job: WriteJob): Program<{ existing: Stat | undefined; on: FileSystem }> {
  const existing = stale ? yield* lookAt(target.path) : target.existing;
  refuseUnlessFile({ existing, path: target.path });
  if (job.options.ifAbsent && existing) throw new HoldfastError("EXISTS", { path: target.path });
  const on = yield* prepare(target, { durability: job.durability, strict: job.options.strict ?? false }, job.memory);
  return { existing, on };
}

/** How the staged content is finished for this job. */
export function finishFor(job: WriteJob, existing: Stat | undefined, overtake: Overtake): Finish {
  return {
    attributes: { mode: job.options.mode, existing },
    syncFile: job.durability !== "volatile",
    barrier: job.durability === "durable",
    ifAbsent: job.options.ifAbsent ?? false,
    heldBudgetMs: job.heldBudgetMs,
    overtake,
  };
}

/** Replaces the located target by the source. */
export function* perform(
  target: Target,
  stale: boolean,
  source: Source,
  job: WriteJob,
  overtake: Overtake,
): Program<WriteResult> {
  const { existing, on } = yield* examine(target, stale, job);
  const replaced = yield* replaceFile(target, source, finishFor(job, existing, overtake));
  return toResult(replaced, job, on);
}

/** What the caller is told. */
export function toResult({ sizeBytes, dirSynced, notKept }: Replaced, job: WriteJob, on: FileSystem): WriteResult {
  return { sizeBytes, durability: reached(job.durability, on, dirSynced), notKept, superseded: false };
}
