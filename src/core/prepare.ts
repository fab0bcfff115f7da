/** What has to be known and done once in a directory before something is written there. */
import { HoldfastError } from "../errors.ts";
import { ourName } from "../format/names.ts";
import type { FileSystem } from "../io/io.ts";
import { perMachine } from "../io/per-machine.ts";
import { fileSystem, type Program, syncDir } from "../io/program.ts";
import { SWEPT_DIRECTORIES_MAX } from "../util/limits.ts";
import { notify } from "../util/notices.ts";
import { pathIn } from "../util/path.ts";
import { type Sweep, type Swept, sweepDead } from "./sweep.ts";
import type { Finished, Settled } from "./sweep-units.ts";
import type { Target } from "./target.ts";

/**
 * How long content lasts. `durable`: it survives power loss once the call has returned. `atomic`: after power loss the old
 * or the new content is there, whole. `volatile`: as `atomic`, for as long as only processes die; nothing is synced.
 */
export type Durability = "atomic" | "durable" | "volatile";

/** What is remembered of one machine, by device and by directory. */
export interface Memory {
  readonly fileSystems: Map<string, FileSystem>;
  readonly swept: Set<string>;
}

/** What is remembered of a machine. */
export const memoryOf = perMachine((): Memory => ({ fileSystems: new Map(), swept: new Set() }));

/** What is asked of a directory. */
export interface Wanted {
  readonly durability: Durability;
  /** Refuse, before anything is written, where the durability can't be reached. */
  readonly strict: boolean;
}

/** Learns what the directory is on, and removes what dead writers left in it, once a process. */
export function* prepare({ dir, dirId }: Pick<Target, "dir" | "dirId">, wanted: Wanted, memory: Memory): Program<FileSystem> {
  const device = dirId.slice(0, dirId.indexOf(":"));
  let on = memory.fileSystems.get(device);
  if (!on) {
    on = yield* fileSystem(dir);
    memory.fileSystems.set(device, on);
  }
  if (on.local && !memory.swept.has(dirId)) {
    if (memory.swept.size >= SWEPT_DIRECTORIES_MAX) memory.swept.clear();
    memory.swept.add(dirId);
    yield* sweepFirst(dir);
  }
  if (wanted.strict) yield* refuseLess(dir, on, wanted.durability);
  return on;
}

/** Sweeps, and tells of it. A leftover that can't be removed is no reason not to write. */
export function* sweepFirst(dir: string, how: Sweep = {}): Program<Swept | undefined> {
  try {
    const swept = yield* sweepDead(dir, how);
    const { removed, finished, failed } = swept;
    if (removed.length > 0) notify({ type: "swept", path: dir, details: { removed } });
    for (const one of finished) tellFinished(one);
    for (const { path, error } of failed) notify({ type: "sweep-failed", path, cause: error });
    return swept;
  } catch (error) {
    notify({ type: "sweep-failed", path: dir, cause: error });
    return undefined;
  }
}

function tellFinished({ target, ...details }: Finished): void {
  notify({ type: "recovered", path: target, details });
}

/** Tells what was done about the unit `id` of a dead owner. */
export function tellSettled(dir: string, id: string, settled: Settled): void {
  if (settled === "removed") notify({ type: "swept", path: dir, details: { removed: [pathIn(dir, ourName("dir", id))] } });
  else if (typeof settled !== "string") tellFinished(settled);
}

function* refuseLess(dir: string, on: FileSystem, durability: Durability): Program<void> {
  if (durability === "volatile") return;
  if (!on.persistent) throw unreachable(`${on.name} keeps nothing over a power loss`, dir, on, "volatile");
  if (durability === "durable" && !(yield* syncDir(dir))) throw unreachable("this directory can't be synced", dir, on, "atomic");
}

function unreachable(what: string, path: string, on: FileSystem, reachable: Durability): HoldfastError {
  return new HoldfastError("UNSUPPORTED", { what, path, details: { fileSystem: on.name, reachable } });
}

/** The level that was reached where `asked` was asked for. */
export function reached(asked: Durability, on: FileSystem, dirSynced: boolean): Durability {
  if (!on.persistent) return "volatile";
  return asked === "durable" && !dirSynced ? "atomic" : asked;
}
