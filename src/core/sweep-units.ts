/** Staged directories and their commits, when their owner is dead: finished if they were committed, removed if not. */
import { errnoOf } from "../errors.ts";
import { WHOLE } from "../format/journal.ts";
import { JOURNAL_LOCK_NAME, ourName, type StageKind } from "../format/names.ts";
import type { File } from "../io/io.ts";
import {
  close,
  dropLock,
  ensure,
  lstat,
  open,
  type Program,
  quietly,
  statFile,
  syncDir,
  takeLock,
  tryLock,
  unlink,
} from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { type Recovered, recover } from "./carry-out.ts";
import { isOld, isOurs, proofOf } from "./dead.ts";
import { readRecord, targetOf } from "./journal.ts";
import { removeTree } from "./tree.ts";

/** A commit that somebody has begun, and that was finished here. */
export interface Finished extends Pick<Recovered, "kept" | "superseded" | "undone"> {
  /** What was replaced. */
  readonly target: string;
}

/** `live`: the owner lives, or nothing proves that it is dead. `nothing`: another sweeper was quicker. */
export type Settled = Finished | "live" | "nothing" | "removed";

/** A unit that was found. */
export interface FoundUnit {
  readonly dir: string;
  readonly id: string;
  readonly kind: StageKind;
  /** Whether the caller has the journal lock of the directory. */
  readonly journalLocked: boolean;
}

/** Settles a unit if its owner is dead. */
export function settleUnit(unit: FoundUnit): Program<Settled> {
  return endDead(unit, settleDead);
}

/** Calls `end` while it is certain that the unit's owner is dead; then, unless that has found somebody live, it has no life. */
export function* endDead<T>(unit: FoundUnit, end: (unit: FoundUnit) => Program<T | "live">): Program<T | "live" | "nothing"> {
  const { dir, id, kind } = unit;
  const life = pathIn(dir, ourName("life", id));
  const found = yield* lstat(life);
  // The file is there before anything else of the unit and after it, so whatever has none is what a power loss left.
  if (!found) return yield* end(unit);
  if (found.kind !== "file" || !(yield* isOurs(found))) return "live";
  const proof = yield* proofOf(kind);
  if (proof === "none" && !(yield* isOld(found, kind)).old) return "live";
  const file = yield* openUnlessHeld(life);
  if (file === undefined) return "live";
  const body = function* (): Program<T | "live" | "nothing"> {
    if (proof === "kernel" && !(yield* tryLock(file, "exclusive"))) return "live";
    if ((yield* statFile(file)).links === 0) return "nothing";
    const settled = yield* end(unit);
    if (proof === "kernel" && settled !== "live") yield* unlink(life);
    return settled;
  };
  const settled = yield* ensure(body(), () => close(file));
  if (proof !== "kernel" && settled !== "live") yield* quietly(unlink(life)); // not while it is open (Windows)
  return settled;
}

/** An exclusive open is the proof of life on Windows; undefined if somebody has it. */
function* openUnlessHeld(life: string): Program<File | undefined> {
  try {
    return yield* open(life, "edit");
  } catch (error) {
    if (["EBUSY", "EPERM", "ENOENT"].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

function* settleDead(unit: FoundUnit): Program<Settled> {
  const { dir, id } = unit;
  const committed = (yield* lstat(pathIn(dir, ourName("journal", id)))) !== undefined;
  if (committed) {
    if (unit.journalLocked) return yield* finishCommit(unit);
    return yield* underJournalLock(dir, yield* lockFor(unit), () => finishCommit(unit));
  }
  // What the dead owner did last may be in memory only. If it was an exchange, and a power loss undid it after this, the target
  // would be what is removed here.
  yield* syncDir(dir);
  yield* removeTree(pathIn(dir, ourName("dir", id)));
  yield* removeTree(pathIn(dir, ourName("out", id)));
  return "removed";
}

/**
 * Nobody who lives is about what a transaction has claimed, so those of other paths go on meanwhile; and the lock of its life file
 * keeps out who would recover it too. Where there is none, the journal lock has to do that.
 */
function* lockFor({ dir, id, kind }: FoundUnit): Program<"exclusive" | "shared"> {
  const { record } = yield* readRecord(dir, id);
  return record.target === WHOLE && (yield* proofOf(kind)) !== "none" ? "shared" : "exclusive";
}

/** One at a time carries out the journals of a directory, as two could be about the same target; but see {@link lockFor}. */
export function* underJournalLock<T>(dir: string, how: "exclusive" | "shared", body: () => Program<T>): Program<T | "live"> {
  const taken = yield* takeLock(pathIn(dir, JOURNAL_LOCK_NAME), how);
  if (!taken) return "live";
  return yield* ensure(body(), () => dropLock(taken.lock));
}

function* finishCommit({ dir, id }: FoundUnit): Program<Finished> {
  const { record, undone, superseded, kept } = yield* recover(dir, id);
  yield* removeTree(pathIn(dir, ourName("dir", id)));
  return { target: targetOf({ dir, record }), undone, superseded, kept };
}
