/** Whole directory trees: made durable, and removed. */
import { errnoOf, HoldfastError } from "../errors.ts";
import type { Entry, File, Stat } from "../io/io.ts";
import {
  all,
  close,
  ensure,
  list,
  lstat,
  open,
  type Program,
  removeDir,
  setMode,
  statFile,
  syncDir,
  syncFile,
  traits,
  unlink,
} from "../io/program.ts";
import { TREE_BATCH } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { unlessGone } from "./unless-gone.ts";

/** What is in a tree. */
export interface Tally {
  readonly fileCount: number;
  readonly sizeBytes: number;
}

/**
 * Syncs each file of a tree, and then its directories from the bottom up: a name must not be durable before what it leads to.
 * Symbolic links are part of their directory; devices and the like have no content.
 *
 * @param sync False: only counts.
 */
export function* syncTree(dir: string, sync: boolean): Program<Tally> {
  const entries = yield* list(dir);
  let [fileCount, sizeBytes] = [0, 0];
  for (const batch of batches(entries.filter(({ kind }) => kind !== "directory"))) {
    for (const size of yield* all(batch.map((entry) => settleFile(dir, entry, sync)))) sizeBytes += size;
    fileCount += batch.length;
  }
  for (const { name, kind } of entries) {
    if (kind !== "directory") continue;
    const below = yield* syncTree(pathIn(dir, name), sync);
    fileCount += below.fileCount;
    sizeBytes += below.sizeBytes;
  }
  if (sync) yield* syncDir(dir);
  return { fileCount, sizeBytes };
}

function* settleFile(dir: string, { name, kind }: Entry, sync: boolean): Program<number> {
  return kind === "file" ? (yield* syncPath(pathIn(dir, name), sync)).sizeBytes : 0;
}

/** Syncs the file at a path. False: only looks at it. */
export function* syncPath(at: string, sync: boolean): Program<Stat> {
  const file = yield* openToSync(at);
  const body = function* (): Program<Stat> {
    if (sync) yield* syncFile(file);
    return yield* statFile(file);
  };
  return yield* ensure(body(), () => close(file));
}

/** Windows flushes what is open for writing only; elsewhere reading is enough, and allowed for more files. */
function* openToSync(at: string): Program<File> {
  const { replacesOpenFiles } = yield* traits();
  try {
    return yield* open(at, replacesOpenFiles ? "read" : "edit");
  } catch (error) {
    if (replacesOpenFiles && errnoOf(error) === "EACCES") return yield* open(at, "edit"); // a file that may be written only
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new HoldfastError("BUSY", {
      what: "a file was removed from the staged directory while it was synced, or its name is not valid UTF-8",
      path: at,
      cause: error,
    });
  }
}

/** Removes a directory and all that is in it. What is gone already is no error: two may remove one tree. */
export function* removeTree(dir: string): Program<void> {
  const entries = yield* unlessGone(listToRemove(dir));
  if (entries === undefined) return;
  for (const batch of batches(entries.filter(({ kind }) => kind !== "directory")))
    yield* all(batch.map(({ name }) => unlessGone(unlink(pathIn(dir, name)))));
  for (const { name, kind } of entries) if (kind === "directory") yield* removeTree(pathIn(dir, name));
  yield* unlessGone(removeDir(dir));
}

/** A directory that its owner may not change (0o555, as archives contain them) is made one that he may. */
function* listToRemove(dir: string): Program<readonly Entry[]> {
  const found = yield* lstat(dir);
  const { userId } = yield* traits();
  if (found && userId !== undefined && (found.mode & OWNER_ALL) !== OWNER_ALL) {
    const file = yield* open(dir, "read");
    yield* ensure(setMode(file, found.mode | OWNER_ALL), () => close(file));
  }
  return yield* list(dir);
}

const OWNER_ALL = 0o700;

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += TREE_BATCH) yield items.slice(at, at + TREE_BATCH);
}
