/** What a journal has seen, against what is there now. */
import { errnoOf } from "../errors.ts";
import type { Seen } from "../format/journal.ts";
import type { Stat } from "../io/io.ts";
import { lstat, type Program } from "../io/program.ts";

/** As lstat, but nothing is at a path below a file either: somebody may have put one in the place of a directory. */
export function* look(at: string): Program<Stat | undefined> {
  try {
    return yield* lstat(at);
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** What `stat` tells, in the form of a record. */
export function seenOf({ kind, id, sizeBytes, modifiedMs }: Stat): Seen {
  return { kind, inode: inodeOf(id), sizeBytes, modifiedMs };
}

/** Whether `found` is what was seen, unchanged. Directories change with what is in them, so only their identity counts. */
export function isUnchanged(found: Stat | undefined, seen: Seen | null): boolean {
  if (found === undefined || seen === null) return found === undefined && seen === null;
  if (!isSame(found, seen)) return false;
  return seen.kind === "directory" || (found.sizeBytes === seen.sizeBytes && found.modifiedMs === seen.modifiedMs);
}

/** Whether `found` is the object that was seen, whatever its content is now. */
export function isSame(found: Stat | undefined, { kind, inode }: Seen): boolean {
  return found !== undefined && found.kind === kind && inodeOf(found.id) === inode;
}

const inodeOf = (id: string): string => id.slice(id.indexOf(":") + 1);
