/** A transaction on the disk: a unit in its root, from its life file to its end. */

import * as path from "node:path";
import { type CarriedOut, carryOut } from "../core/carry-out.ts";
import { planChanges } from "../core/plan.ts";
import { type Durability, memoryOf, prepare, reached, sweepFirst } from "../core/prepare.ts";
import { isUnchanged, seenOf } from "../core/seen.ts";
import { closeStage, type NotKept } from "../core/stage.ts";
import { createTree, discardTree, endTree, type StagedTree, withTree } from "../core/staged-tree.ts";
import { syncTree } from "../core/tree.ts";
import { findRecord, isAbout, unfinishedError } from "../core/unfinished.ts";
import { errnoOf, HoldfastError, isHoldfastError } from "../errors.ts";
import { type JournalStep, WHOLE } from "../format/journal.ts";
import { JOURNAL_LOCK_NAME, ourName } from "../format/names.ts";
import type { FileSystem, HeldLock, Machine, Stat } from "../io/io.ts";
import {
  all,
  cleanUp,
  dropLock,
  lstat,
  onFailure,
  type Program,
  quietly,
  realPath,
  rename,
  stat,
  syncDir,
  traits,
} from "../io/program.ts";
import { JOURNAL_LOCK_TIMEOUT_MS, LOCK_TIMEOUT_MS } from "../util/limits.ts";
import { notify } from "../util/notices.ts";
import { pathIn } from "../util/path.ts";
import { awaitUnclaimed, type Claims, ownIdsOf, prepareClaims, release, takeShared } from "./claims.ts";
import type { TransactionSyncOptions } from "./options.ts";
import { View } from "./view.ts";

/** One transaction. */
export interface Unit {
  readonly machine: Machine;
  readonly durability: Durability;
  readonly lockTimeoutMs: number;
  readonly on: FileSystem;
  readonly staged: StagedTree;
  /** The staged directory, relative to the root. */
  readonly place: string;
  readonly view: View;
  readonly claims: Claims;
  /** Of staged files, by their slots. */
  readonly digests: Map<string, string>;
  readonly notKept: Map<string, readonly NotKept[]>;
  /** Staged directories. */
  readonly trees: string[];
  /** Content that is just being written, by its slot. */
  readonly pending: Map<string, Promise<unknown>>;
  readonly expected: Expected[];
  slotCount: number;
}

/** What a precondition has seen; at the commit it must still be so. */
export interface Expected {
  readonly at: string;
  readonly found: Stat | undefined;
  readonly otherwise: HoldfastError;
}

/** What was done. */
export interface Committed extends Omit<CarriedOut, "dirSynced"> {
  readonly changed: boolean;
  readonly durability: Durability;
}

/** A name for new content that nothing has yet. */
export const newSlot = (unit: Unit): string => `${unit.place}/${++unit.slotCount}`;

/** Makes a unit in `given`, and puts right what dead owners have left there. */
export function* begin(given: string, options: TransactionSyncOptions, machine: Machine): Program<Unit> {
  const { durability = "durable", strict = false, lockTimeoutMs = LOCK_TIMEOUT_MS } = options;
  const { root, found, on } = yield* findRoot(given, { durability, strict }, machine);
  yield* prepareClaims(root);
  yield* awaitUnclaimed(root, lockTimeoutMs, () => sweepFirst(root, { unitsOnly: true }));
  const staged = yield* createTree(root, { mode: 0o700, existing: undefined });
  const { id } = staged;
  ownIdsOf(machine).add(id);
  return {
    machine,
    durability,
    lockTimeoutMs,
    on,
    staged,
    place: ourName("dir", id),
    view: new View(root, found, (yield* traits()).foldName),
    claims: { root, id, paths: [], sizeBytes: 0, begun: false },
    digests: new Map(),
    notKept: new Map(),
    trees: [],
    pending: new Map(),
    expected: [],
    slotCount: 0,
  };
}

interface Root {
  readonly root: string;
  readonly found: Stat;
  readonly on: FileSystem;
}

function* findRoot(given: string, wanted: Parameters<typeof prepare>[1], machine: Machine): Program<Root> {
  const found = yield* stat(given);
  if (!found) throw new HoldfastError("NOT_FOUND", { what: "the root does not exist", path: given });
  if (found.kind !== "directory") throw new HoldfastError("NOT_A_DIRECTORY", { path: given });
  const root = yield* realPath(given);
  const memory = memoryOf(machine);
  const sweptBefore = memory.swept.has(found.id);
  const on = yield* prepare({ dir: root, dirId: found.id }, wanted, memory);
  yield* refuseUnrecoverable(root, on);
  if (sweptBefore) yield* sweepFirst(root, { unitsOnly: true }); // each time: what is half done is not what this one may build on
  return { root, found, on };
}

/** Where nothing proves that an owner is dead, nobody could finish what one has begun: it would not be all or nothing. */
export function* refuseUnrecoverable(root: string, on: FileSystem): Program<void> {
  if (!on.local) {
    throw new HoldfastError("UNSUPPORTED", {
      what: `transactions need a file system that is known to be local, and this is ${on.name}`,
      path: root,
    });
  }
  if ((yield* traits()).lock !== "none") return;
  throw new HoldfastError("UNSUPPORTED", {
    what: "transactions need the locks of the optional package fs-native-extensions: npm install fs-native-extensions",
    path: root,
  });
}

/** To be called in the end, however it comes. */
export function forget({ machine, staged }: Unit): void {
  ownIdsOf(machine).delete(staged.id);
}

/** Removes all of it; nothing was changed. */
export function* discard(unit: Unit): Program<void> {
  yield* cleanUp(() => release(unit.claims));
  yield* discardTree(unit.staged);
}

/**
 * The lock under which the commits of directories wait for those of transactions, and the other way round. Undefined: there is
 * nothing to be changed.
 */
export function* lockJournal({ view, lockTimeoutMs }: Unit): Program<HeldLock | undefined> {
  if (view.isUntouched) return undefined;
  return yield* takeShared(pathIn(view.root, JOURNAL_LOCK_NAME), Math.max(lockTimeoutMs, JOURNAL_LOCK_TIMEOUT_MS));
}

export function* unlockJournal(lock: HeldLock | undefined): Program<void> {
  if (lock !== undefined) yield* quietly(dropLock(lock));
}

/** Does all that the view says, and ends the unit. The caller has the journal lock. */
export function* commitUnit(unit: Unit): Program<Committed> {
  const { staged, claims } = unit;
  const body = function* (): Program<Committed> {
    const committed = yield* onFailure(publish(unit), () => release(claims));
    yield* end(unit);
    return committed;
  };
  return yield* withTree(staged, body());
}

function* publish(unit: Unit): Program<Committed> {
  const { view, staged, claims } = unit;
  if (view.isUntouched) return unchanged(unit);
  const sync = unit.durability !== "volatile";
  for (const tree of unit.trees) yield* syncTree(view.absolute(tree), sync);
  if (sync) yield* syncDir(staged.path);
  const left = yield* findRecord(view.root, ({ id, record }) => id !== staged.id && isAbout(record, claims.paths, view.fold));
  if (left !== undefined) throw isHoldfastError(left) ? left : unfinishedError(left, view.root);
  for (const one of unit.expected) yield* refuseUnexpected(view, one);
  const { place, digests } = unit;
  const steps = yield* planChanges({ dir: view.root, staged: place, slot: () => newSlot(unit), digests }, view.top);
  if (steps.length === 0) return unchanged(unit);
  yield* refuseOtherMounts(unit, steps);
  const done = yield* carryOut({ dir: view.root, id: staged.id, record: { target: WHOLE, steps } });
  const { dirSynced, ...rest } = done;
  return { changed: true, durability: reached(unit.durability, unit.on, dirSynced), ...rest };
}

const unchanged = ({ durability, on }: Unit): Committed => {
  return { changed: false, durability: reached(durability, on, true), superseded: [], kept: [] };
};

function* refuseUnexpected(view: View, { at, found, otherwise }: Expected): Program<void> {
  const now = yield* lstat(view.absolute(at));
  if (!isUnchanged(now, found ? seenOf(found) : null)) throw otherwise;
}

/**
 * Refuses, before anything is changed, what can't be moved to: rename(2) compares the two mounts, and asks whether they may be
 * written to, before it looks for the name, which is none here.
 */
function* refuseOtherMounts({ view, staged }: Unit, steps: readonly JournalStep[]): Program<void> {
  const dirs = new Set<string>();
  for (const step of steps) {
    dirs.add(path.posix.dirname(step.target));
    if (step.do === "rename") dirs.add(path.posix.dirname(step.from));
  }
  yield* all([...dirs].map((dir) => refuseOtherMount(staged.path, view.absolute(dir))));
}

function* refuseOtherMount(from: string, dir: string): Program<void> {
  const name = ourName("out", "none");
  try {
    yield* rename(pathIn(from, name), pathIn(dir, name));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return;
    if (errno !== "EXDEV") throw error;
    throw new HoldfastError("UNSUPPORTED", {
      what: "it is on another mount than the root, and a transaction can be about one only",
      path: dir,
      cause: error,
      details: { errno },
    });
  }
}

/** It is committed: what can't be removed now is removed by a later sweep. */
function* end(unit: Unit): Program<void> {
  try {
    yield* release(unit.claims);
    yield* endTree(unit.staged, false);
  } catch (error) {
    if (isHoldfastError(error, "ASSERTION")) throw error;
    yield* cleanUp(() => closeStage(unit.staged.life));
    notify({ type: "sweep-failed", path: unit.staged.path, cause: error });
  }
}
