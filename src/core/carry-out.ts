/** A journal from its record to its end: by its owner, or by whoever recovers it. */

import { createHash } from "node:crypto";
import * as path from "node:path";
import { certainlyNotApplied, errnoOf, HoldfastError, isFailedSync } from "../errors.ts";
import type { JournalRecord, JournalStep } from "../format/journal.ts";
import { ourName, type Part } from "../format/names.ts";
import { cleanUp, close, commit, ensure, lstat, open, type Program, read, rename, syncDir } from "../io/program.ts";
import { GATHER_BYTES } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { type Applied, applySteps, syncTouched } from "./apply.ts";
import { dropRecord, type Journal, pathOf, publishRecord, readRecord, syncRecord, targetOf, unlessApplied } from "./journal.ts";
import { isSame } from "./seen.ts";

/** What became of a unit with a journal. */
export interface CarriedOut {
  /** Whether the directory of the record could be synced. */
  readonly dirSynced: boolean;
  /** Targets that somebody else has changed meanwhile: theirs was kept. Relative to the record's directory. */
  readonly superseded: readonly string[];
  /** Where the content is that therefore found no place. */
  readonly kept: readonly string[];
}

/** Commits: publishes the record, does its steps, retires it. */
export function* carryOut(journal: Journal): Program<CarriedOut> {
  let applied: Applied = { superseded: [], lost: [] };
  const step = function* (): Program<void> {
    yield* publishRecord(journal);
    const progress = { doneCount: 0 };
    try {
      applied = yield* applySteps(journal, progress);
    } catch (first) {
      if (swapOf(journal)) yield* unlessApplied(first, undoSwap(journal));
      else if (progress.doneCount === 0 && certainlyNotApplied(first)) yield* unlessApplied(first, dropRecord(journal));
      throw first;
    }
  };
  return yield* commit(step(), () => retireOwn(journal, applied));
}

/** Of a file that was kept its owner is told in the result; a directory that was kept means that nothing was published. */
function* retireOwn(journal: Journal, applied: Applied): Program<CarriedOut> {
  const retired = yield* retire(journal, applied);
  if (!swapOf(journal) || retired.superseded.length === 0) return retired;
  throw new HoldfastError("SUPERSEDED", {
    path: targetOf(journal),
    details: { kept: retired.kept },
  });
}

/** What recovery has done. */
export interface Recovered extends CarriedOut {
  readonly record: JournalRecord;
  /** The steps can't be done here, and nobody was told that they were: the old content is back. */
  readonly undone: boolean;
}

/**
 * Finishes what a dead owner has begun.
 *
 * @throws {HoldfastError} CORRUPT_JOURNAL: what it needs is damaged or gone; nothing was done, or nothing more can be.
 */
export function* recover(dir: string, id: string): Program<Recovered> {
  const journal = yield* readRecord(dir, id);
  const { record } = journal;
  yield* syncRecord(journal);
  yield* refuseDamaged(journal);
  let applied: Applied;
  try {
    applied = yield* applySteps(journal);
  } catch (error) {
    if (!swapOf(journal) || errnoOf(error) !== "EXDEV") throw error;
    yield* undoSwap(journal);
    return { record, undone: true, dirSynced: false, superseded: [], kept: [] };
  }
  return { record, undone: false, ...(yield* retire(journal, applied)) };
}

/** The swap in two steps that a journal is, if it is one. */
export const swapOf = ({ record }: Journal): (JournalStep & { readonly do: "swap" }) | undefined => {
  const [first] = record.steps;
  return first?.do === "swap" ? first : undefined;
};

/** Puts the old directory back. Throws if that did not come about. */
function* undoSwap(journal: Journal): Program<void> {
  const swap = swapOf(journal);
  if (!swap) return;
  const target = pathOf(journal, swap.target);
  if (!(yield* lstat(target))) yield* rename(pathOf(journal, swap.aside), target);
  if (!isSame(yield* lstat(target), swap.before))
    throw new HoldfastError("SUPERSEDED", { path: target, details: { errno: "EEXIST" } });
  yield* syncDir(journal.dir);
  yield* dropRecord(journal);
}

/**
 * Makes durable what was done, moves what found no place to where no sweep takes it, and removes the record. After it the staged
 * name of the unit leads to what nobody needs any more.
 */
function* retire(journal: Journal, { superseded, lost }: Applied): Program<CarriedOut> {
  const { dir, id } = journal;
  if (lost.length > 0) {
    throw new HoldfastError("CORRUPT_JOURNAL", {
      what: "the new content of an interrupted commit is gone",
      path: pathIn(dir, journal.record.target),
      details: { lost },
    });
  }
  yield* syncOrKeep(journal, "aside", syncTouched(journal));
  const [staged, aside] = [pathIn(dir, ourName("dir", id)), pathIn(dir, ourName("aside", id))];
  const away: string[] = [];
  let moved = true;
  if (superseded.length > 0) {
    for (const kept of [yield* keepTree(dir, id, "dir", "quarantine"), yield* keepTree(dir, id, "aside", "quarantine-old")])
      if (kept !== undefined) away.push(kept);
  } else if (yield* lstat(aside)) {
    yield* rename(aside, staged);
  } else moved = false;
  if (moved) yield* syncDir(dir);
  const dirSynced = yield* dropRecord(journal);
  return { dirSynced, superseded, kept: away };
}

/**
 * After a failed sync nobody knows what of a commit will be left after a power loss, and no later sync tells. So the old content,
 * which is this part of the unit now, is put where no sweep removes it.
 */
export function* syncOrKeep<T>({ dir, id }: Pick<Journal, "dir" | "id">, old: Part, sync: Program<T>): Program<T> {
  try {
    return yield* sync;
  } catch (first) {
    if (isFailedSync(first)) yield* cleanUp(() => keepTree(dir, id, old, "quarantine-old"));
    throw first;
  }
}

/** Moves a part of a unit to where no sweep takes it. Where it is then, if it is there. */
export function* keepTree(dir: string, id: string, from: Part, to: Part): Program<string | undefined> {
  const [source, kept] = [pathIn(dir, ourName(from, id)), pathIn(dir, ourName(to, id))];
  if (yield* lstat(source)) yield* rename(source, kept);
  return (yield* lstat(kept)) ? kept : undefined;
}

/** Bytes that rotted while nobody was there must not be published now. */
export function* refuseDamaged(journal: Journal): Program<void> {
  for (const step of journal.record.steps) yield* refuseDamagedStep(journal, step);
}

function* refuseDamagedStep(journal: Journal, step: JournalStep): Program<void> {
  if (step.do !== "put" || step.after.sha256 === undefined) return;
  const at = pathOf(journal, step.staged);
  const found = yield* lstat(at);
  if (!found || (found.sizeBytes === step.after.sizeBytes && (yield* digestOf(at)) === step.after.sha256)) return;
  throw new HoldfastError("CORRUPT_JOURNAL", {
    what: "the new content of an interrupted commit is damaged",
    path: at,
    details: { target: path.join(journal.dir, step.target) },
  });
}

/** The SHA-256 of a file, in hexadecimal. */
export function* digestOf(at: string): Program<string> {
  const file = yield* open(at, "read");
  const body = function* (): Program<string> {
    const hash = createHash("sha256");
    const piece = new Uint8Array(GATHER_BYTES);
    for (let position = 0; ; ) {
      const count = yield* read(file, piece, position);
      if (count === 0) return hash.digest("hex");
      hash.update(piece.subarray(0, count));
      position += count;
    }
  };
  return yield* ensure(body(), () => close(file));
}
