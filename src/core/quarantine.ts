/** Things that nothing can finish are moved to names that no sweep touches: nothing is lost, and nothing is in the way. */
import { isHoldfastError } from "../errors.ts";
import { lstat, type Program, rename, syncDir } from "../io/program.ts";
import { keepTree, swapOf } from "./carry-out.ts";
import { type Journal, pathOf, readRecord } from "./journal.ts";
import { endDead, type FoundUnit, underJournalLock } from "./sweep-units.ts";

/** What was done with a unit whose commit can't be finished. */
export interface Quarantined {
  /** Where its content is now. */
  readonly kept: readonly string[];
  /** The directory that got its old content back. */
  readonly restored: string | undefined;
}

/** Quarantines a unit whose owner is dead. Can be done again after a crash at any moment of it. */
export function quarantineUnit(unit: FoundUnit): Program<Quarantined | "live" | "nothing"> {
  return endDead(unit, () => underJournalLock(unit.dir, "exclusive", () => quarantine(unit)));
}

/**
 * The record goes last, and after a barrier: without it a sweep would remove what still has a staged name, also after a power
 * loss that has undone the move.
 */
function* quarantine({ dir, id }: FoundUnit): Program<Quarantined> {
  const restored = yield* restoreOld(dir, id);
  const content = [yield* keepTree(dir, id, "dir", "quarantine"), yield* keepTree(dir, id, "aside", "quarantine-old")];
  yield* syncDir(dir);
  const record = yield* keepTree(dir, id, "journal", "quarantine-journal");
  yield* syncDir(dir);
  return { kept: [...content, record].filter((path) => path !== undefined), restored };
}

/** Moves what is aside to where nothing but a person takes it from. */
export function* quarantineAside(dir: string, id: string): Program<readonly string[]> {
  const kept = yield* keepTree(dir, id, "aside", "quarantine-old");
  yield* syncDir(dir);
  return kept === undefined ? [] : [kept];
}

/** A directory that is absent because its old content is aside gets it back. Which one that is, only a whole record tells. */
function* restoreOld(dir: string, id: string): Program<string | undefined> {
  const journal = yield* wholeRecord(dir, id);
  const swap = journal && swapOf(journal);
  if (!swap) return undefined;
  const [target, aside] = [pathOf(journal, swap.target), pathOf(journal, swap.aside)];
  if ((yield* lstat(target)) || !(yield* lstat(aside))) return undefined;
  yield* rename(aside, target);
  return target;
}

function* wholeRecord(dir: string, id: string): Program<Journal | undefined> {
  try {
    return yield* readRecord(dir, id);
  } catch (error) {
    if (isHoldfastError(error, "CORRUPT_JOURNAL")) return undefined;
    throw error;
  }
}
