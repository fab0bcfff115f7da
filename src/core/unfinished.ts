/** Commits of a directory that are not at their end. */
import { HoldfastError, isHoldfastError } from "../errors.ts";
import { decodeJournal } from "../format/journal.ts";
import { parseOurName } from "../format/names.ts";
import { type Program, search } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { readWhole } from "./read.ts";
import type { Target } from "./target.ts";

const RECORDS = /^\.holdfast-journal-/;

/**
 * Why nothing else can be published at a target now: a commit of it has a record. Its steps, done later, would be about what is
 * published now. Undefined if there is none.
 */
export function* unfinished({ dir, name, path }: Pick<Target, "dir" | "name" | "path">): Program<HoldfastError | undefined> {
  for (const entry of yield* search(dir, RECORDS)) {
    const at = pathIn(dir, entry.name);
    if (parseOurName(entry.name)?.part !== "journal") continue;
    try {
      const { target } = decodeJournal(yield* readWhole(at, 0), at);
      if (target !== name) continue;
    } catch (error) {
      if (isHoldfastError(error, "NOT_FOUND")) continue; // finished meanwhile
      if (isHoldfastError(error, "CORRUPT_JOURNAL", "UNSUPPORTED")) return error; // nobody knows what it is about
      throw error;
    }
    return new HoldfastError("BUSY", {
      what: "an interrupted commit of the same directory could not be finished",
      path,
      details: { journal: at },
    });
  }
  return undefined;
}
