/** Commits of a directory that are not at their end. */
import { HoldfastError, isHoldfastError } from "../errors.ts";
import { type JournalRecord, pathsOf, WHOLE } from "../format/journal.ts";
import { parseOurName } from "../format/names.ts";
import { type Program, search } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { type Journal, readRecord } from "./journal.ts";
import type { Target } from "./target.ts";

const RECORDS = /^\.holdfast-journal-/;

/**
 * Why nothing else can be published at a target now: a commit that is about it has a record. Its steps, done later, would be about
 * what is published now. Undefined if there is none.
 */
export function* unfinished({ dir, name, path }: Pick<Target, "dir" | "name" | "path">): Program<HoldfastError | undefined> {
  const found = yield* findRecord(dir, ({ record }) => isAbout(record, [name]));
  return found === undefined || isHoldfastError(found) ? found : unfinishedError(found, path);
}

/** The error for a commit of the same things that is not at its end. */
export function unfinishedError(journal: string, path: string): HoldfastError {
  return new HoldfastError("BUSY", {
    what: "an interrupted commit of the same files could not be finished",
    path,
    details: { journal },
  });
}

/** The path of the first record in a directory that `matches`, or why one can't be read: nobody knows what that is about. */
export function* findRecord(dir: string, matches: (journal: Journal) => boolean): Program<HoldfastError | string | undefined> {
  for (const entry of yield* search(dir, RECORDS)) {
    const at = pathIn(dir, entry.name);
    const name = parseOurName(entry.name);
    if (name?.part !== "journal") continue;
    try {
      if (matches(yield* readRecord(dir, name.id))) return at;
    } catch (error) {
      if (isHoldfastError(error, "NOT_FOUND")) continue; // finished meanwhile
      if (isHoldfastError(error, "CORRUPT_JOURNAL", "UNSUPPORTED")) return error;
      throw error;
    }
  }
  return undefined;
}

/** Whether a record is about one of these paths, or what is above or below it. */
export function isAbout(record: JournalRecord, paths: readonly string[], fold = (path: string): string => path): boolean {
  const its = record.target === WHOLE ? record.steps.flatMap(pathsOf) : [record.target];
  return its.some((one) => paths.some((other) => overlaps(fold(one), other)));
}

/** Whether two paths are one, or one of them is above the other. */
export const overlaps = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
