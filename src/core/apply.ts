/**
 * The steps of a journal, each of which can be done again after a crash at any moment of it. A step acts only on what its record
 * has seen: what somebody else wrote meanwhile is kept, and reported.
 */

import * as path from "node:path";
import { certainlyNotApplied, errnoOf } from "../errors.ts";
import type { JournalStep, Seen } from "../format/journal.ts";
import { ourName } from "../format/names.ts";
import type { Stat } from "../io/io.ts";
import { makeDir, type Program, removeDir, rename, syncDir, traits, unlink } from "../io/program.ts";
import { HELD_BUDGET_SYNC_MS } from "../util/limits.ts";
import { type Journal, pathOf } from "./journal.ts";
import { whileHeld } from "./publish.ts";
import { isSame, isUnchanged, look } from "./seen.ts";

/** What became of the steps, by the paths of their targets, relative to the directory of the record. */
export interface Applied {
  /** Somebody else has changed it since: it was kept. */
  readonly superseded: readonly string[];
  /** It is what it was, but its new content is gone: damage. */
  readonly lost: readonly string[];
}

/** `superseded`: the target is not what the record has seen. `lost`: what should take its place is gone. */
type Outcome = "done" | "lost" | "superseded";

type Rename = JournalStep & { readonly do: "rename" };
type Put = JournalStep & { readonly do: "put" };
type Swap = JournalStep & { readonly do: "swap" };

/** Does all steps that are not done yet, in order. `progress` counts those that were come to. */
export function* applySteps(journal: Journal, progress = { doneCount: 0 }): Program<Applied> {
  const superseded: string[] = [];
  const lost: string[] = [];
  const moved = new Moved(journal);
  for (const step of journal.record.steps) {
    if (step.do === "remove-directory" || moved.isFrom(step.target)) yield* moved.settle();
    const blocked = superseded.some((above) => step.target.startsWith(`${above}/`));
    const outcome = blocked ? "superseded" : yield* applyStep(journal, step);
    if (step.do === "rename") moved.add(step);
    if (outcome === "superseded") superseded.push(step.target);
    if (outcome === "lost") lost.push(step.target);
    progress.doneCount++;
  }
  return { superseded, lost };
}

/**
 * What was renamed, and may not be durable under its new name yet. It must be before its old name is given to something else, or
 * the directory of the old name is removed: a power loss could keep that and lose the new name, and with it the file.
 */
class Moved {
  readonly #journal: Journal;
  readonly #from = new Set<string>();
  readonly #dirs = new Set<string>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  isFrom(path: string): boolean {
    return this.#from.has(path);
  }

  /** Also if it was renamed before: whoever did it may not have come to the sync. */
  add({ from, target }: Rename): void {
    this.#from.add(from);
    this.#dirs.add(path.posix.dirname(target));
  }

  *settle(): Program<void> {
    for (const dir of this.#dirs) yield* syncIfThere(this.#journal, dir);
    this.#dirs.clear();
    this.#from.clear();
  }
}

function* applyStep(journal: Journal, step: JournalStep): Program<Outcome> {
  const at = pathOf(journal, step.target);
  const found = yield* look(at);
  switch (step.do) {
    case "make-directory":
      if (found && found.kind !== "directory") return "superseded";
      if (!found) yield* makeDir(at, step.mode);
      yield* syncDir(path.dirname(at)); // what is moved into a directory that is lost is lost too
      return "done";
    case "remove":
      if (!found || !isSame(found, step.before)) return "done"; // what was to go is gone
      if (!isUnchanged(found, step.before)) return "superseded";
      yield* held(() => unlink(at), at);
      return "done";
    case "remove-directory":
      return isSame(found, step.before) ? yield* removeEmpty(at) : "done";
    case "put":
      return yield* put(journal, step, found);
    case "rename":
      return yield* renameFound(journal, step, found);
    case "swap":
      return yield* swap(journal, step, found);
  }
}

/** What somebody has put into an old directory keeps it. */
function* removeEmpty(at: string): Program<Outcome> {
  try {
    yield* held(() => removeDir(at), at);
    return "done";
  } catch (error) {
    if (!["EEXIST", "ENOTEMPTY"].includes(errnoOf(error))) throw error;
    return "superseded";
  }
}

function* put(journal: Journal, { target, before, staged, after }: Put, found: Stat | undefined): Program<Outcome> {
  const [from, to] = [pathOf(journal, staged), pathOf(journal, target)];
  const isStaged = isSame(yield* look(from), after);
  if (isSame(found, after)) {
    if (isStaged) yield* unlink(from); // a power loss can leave a moved file with both names
    return "done";
  }
  // Published, and then replaced or removed by somebody: the later change counts.
  if (!isStaged) return before !== null && isUnchanged(found, before) ? "lost" : "done";
  if (!isUnchanged(found, before)) return "superseded";
  return yield* moveInto(from, to, after);
}

/** As a put, but what is moved is no content of ours: whoever has changed or removed it since has superseded the step. */
function* renameFound(journal: Journal, { from, target, before, after }: Rename, found: Stat | undefined): Program<Outcome> {
  const [source, to] = [pathOf(journal, from), pathOf(journal, target)];
  const left = yield* look(source);
  if (isSame(found, after)) {
    // A power loss has left it with both names, or both are hard links. One link: two spellings of one name.
    if (left && left.links > 1 && isSame(left, after)) yield* unlink(source);
    return "done";
  }
  // Renamed, and then renamed on, replaced or removed; unless what it would have replaced is still there.
  if (!isSame(left, after)) return before !== null && isUnchanged(found, before) ? "superseded" : "done";
  if (!isUnchanged(left, after) || !isUnchanged(found, before)) return "superseded";
  return yield* moveInto(source, to, after);
}

/** Who has removed the directory, or put something in the place since it was looked at, has superseded what was to go there. */
function* moveInto(from: string, to: string, what: Seen): Program<Outcome> {
  try {
    yield* held(() => move(from, to, what), to);
    return "done";
  } catch (error) {
    if (!["EISDIR", "ENOENT", "ENOTDIR"].includes(errnoOf(error)) || !isSame(yield* look(from), what)) throw error;
    return "superseded";
  }
}

/**
 * The old directory goes aside, the new one takes its place. In between there is none: whatever somebody puts there is kept. (An
 * empty directory made between the look and the rename is replaced: rename(2) has no other way for directories.)
 */
function* swap(journal: Journal, step: Swap, found: Stat | undefined): Program<Outcome> {
  const [target, staged, aside] = [step.target, step.staged, step.aside].map((one) => pathOf(journal, one)) as [
    string,
    string,
    string,
  ];
  if (isSame(found, step.after)) return "done";
  if (!isSame(yield* look(staged), step.after)) {
    if (!found || isSame(found, step.before)) return "lost";
    return (yield* isPutAway(journal, step)) ? "superseded" : "done";
  }
  if (found && !isSame(found, step.before)) return "superseded";
  if (found) yield* move(target, aside, step.before);
  if (yield* look(target)) return "superseded";
  try {
    yield* move(staged, target, step.after);
  } catch (error) {
    if (["EEXIST", "ENOTDIR", "ENOTEMPTY"].includes(errnoOf(error))) return "superseded";
    throw error;
  }
  return "done";
}

/** Whether what found no place was being put away, so that this is still to be finished. */
function* isPutAway(journal: Journal, { aside }: Swap): Program<boolean> {
  const quarantine = pathOf(journal, ourName("quarantine", journal.id));
  return (yield* look(pathOf(journal, aside))) !== undefined || (yield* look(quarantine)) !== undefined;
}

/** A rename whose failure is no failure if it was done all the same, as where a reply is lost. */
function* move(from: string, to: string, what: Seen): Program<void> {
  try {
    yield* rename(from, to);
  } catch (error) {
    if (certainlyNotApplied(error) || !isSame(yield* look(to), what)) throw error;
  }
}

/** Windows refuses while somebody holds what is moved or removed. */
function* held(attempt: () => Program<void>, at: string): Program<void> {
  if ((yield* traits()).replacesOpenFiles) yield* attempt();
  else yield* whileHeld(attempt, at, HELD_BUDGET_SYNC_MS);
}

/** Makes durable what the steps did: the names in each directory that they touched. */
export function* syncTouched(journal: Journal): Program<void> {
  const names = journal.record.steps.flatMap((step) => (step.do === "rename" ? [step.target, step.from] : [step.target]));
  const parents = names.map((name) => path.posix.dirname(name));
  for (const parent of new Set(parents)) yield* syncIfThere(journal, parent);
}

/** A directory that a later step removed needs no sync of its own. */
function* syncIfThere(journal: Journal, relative: string): Program<void> {
  const dir = relative === "." ? journal.dir : pathOf(journal, relative);
  if ((yield* look(dir))?.kind === "directory") yield* syncDir(dir);
}
