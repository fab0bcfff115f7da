/** The generations of a tile set on disk, as programs: found, made, finished, marked, removed. */
import { readWhole } from "../core/read.ts";
import type { Target } from "../core/target.ts";
import { removeTree } from "../core/tree.ts";
import { unlessGone } from "../core/unless-gone.ts";
import { writeSource } from "../core/write.ts";
import { errnoOf, HoldfastError, isHoldfastError } from "../errors.ts";
import { newId, TOKEN_BYTES } from "../format/names.ts";
import {
  COMMITTED_NAME,
  type Generation,
  MANIFEST_NAME,
  parseTileDirectory,
  READERS_LOCK_NAME,
  tileDirectory,
} from "../format/tile-set.ts";
import {
  close,
  dropLock,
  ensure,
  lstat,
  makeDir,
  now,
  open,
  type Program,
  random,
  search,
  statFile,
  syncDir,
  syncFile,
  takeLock,
  unlink,
} from "../io/program.ts";
import { HELD_BUDGET_ASYNC_MS } from "../util/limits.ts";
import { notify } from "../util/notices.ts";
import { pathIn } from "../util/path.ts";
import { parseIndex } from "./index-file.ts";
import { sha256 } from "./manifest.ts";
import type { FoundIndex } from "./pointer.ts";

/** Where the index is. */
export type Place = Pick<Target, "dir" | "name" | "path">;

/** A generation that was found. */
export interface FoundGeneration extends Generation {
  readonly name: string;
  readonly path: string;
  /** When it was marked as committed, in milliseconds since 1970; undefined: it is not. */
  readonly markedMs: number | undefined;
}

/** What there is of a tile set. */
export interface Survey {
  readonly index: FoundIndex | "absent";
  /** Oldest first. */
  readonly generations: readonly FoundGeneration[];
}

/** Looks at the index and at what is beside it. */
export function* survey(place: Place): Program<Survey> {
  const bytes = yield* readOr(place.path);
  const generations: FoundGeneration[] = [];
  for (const { name, kind } of yield* search(place.dir, /\.\d{6,15}-[0-9a-z]{26}$/)) {
    const parsed = kind === "directory" ? parseTileDirectory(place.name, name) : undefined;
    if (!parsed) continue;
    const path = pathIn(place.dir, name);
    generations.push({ ...parsed, name, path, markedMs: (yield* lstat(pathIn(path, COMMITTED_NAME)))?.modifiedMs });
  }
  generations.sort((a, b) => a.number - b.number);
  return { index: bytes ? parseIndex(bytes) : "absent", generations };
}

/** The whole file, or undefined if there is none. */
export function* readOr(path: string): Program<Uint8Array | undefined> {
  try {
    return yield* readWhole(path, HELD_BUDGET_ASYNC_MS);
  } catch (error) {
    if (isHoldfastError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

/** Makes the directory of the next generation. */
export function* makeGeneration(place: Place, generations: readonly Generation[]): Program<FoundGeneration> {
  const number = 1 + Math.max(0, ...generations.map((one) => one.number));
  const generation = { number, id: newId(yield* random(TOKEN_BYTES)) };
  const name = tileDirectory(place.name, generation);
  const path = pathIn(place.dir, name);
  yield* makeDir(path);
  return { ...generation, name, path, markedMs: undefined };
}

/** Writes one new file of a generation, all of it; with `sync`, it is durable, but for its name. */
export function* writeMember(dir: string, name: string, bytes: Uint8Array, sync: boolean): Program<void> {
  const path = pathIn(dir, name);
  const file = yield* open(path, "create");
  const body = function* (): Program<void> {
    yield* writeSource(file, bytes, 0);
    if (sync) yield* syncFile(file);
    const { sizeBytes } = yield* statFile(file);
    if (sizeBytes === bytes.length) return;
    throw new HoldfastError("IO", { what: "a file is not as long as what was written to it", path, details: { sizeBytes } });
  };
  yield* ensure(body(), () => close(file));
}

/** Writes the manifest, and makes all names durable: after this, and not before, an index may name the generation. */
export function* finishGeneration(place: Place, path: string, manifest: Uint8Array, sync: boolean): Program<void> {
  yield* writeMember(path, MANIFEST_NAME, manifest, sync);
  if (!sync) return;
  yield* syncDir(path);
  yield* syncDir(place.dir);
}

/** Marks a generation as one that a durable index has named, so that it is found when the index is lost. */
export function* mark(path: string, manifestSha256: string, sync: boolean): Program<void> {
  yield* unlessGone(unlink(pathIn(path, COMMITTED_NAME))); // one that a crash has cut short
  yield* writeMember(path, COMMITTED_NAME, Buffer.from(`${manifestSha256}\n`), sync);
  if (sync) yield* syncDir(path);
}

/** Whether a generation is marked, and the mark is whole: it is made in place. */
export function* isMarked(path: string, manifestSha256: string): Program<boolean> {
  const bytes = yield* readOr(pathIn(path, COMMITTED_NAME));
  return bytes !== undefined && Buffer.from(bytes).toString("latin1") === `${manifestSha256}\n`;
}

/** A manifest as it is on the disk. */
interface ReadManifest {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** The manifest of a generation, whatever is in it. */
export function* readManifest(path: string): Program<ReadManifest | undefined> {
  const bytes = yield* readOr(pathIn(path, MANIFEST_NAME));
  return bytes && { bytes, digest: sha256(bytes) };
}

/** The manifest of a generation, if it is marked and the mark is of this manifest. */
export function* readMarked(path: string): Program<ReadManifest | undefined> {
  const found = yield* readManifest(path);
  return found && (yield* isMarked(path, found.digest)) ? found : undefined;
}

/**
 * Removes a generation that no durable index names. Readers lock it first and then read its manifest: so that goes first, under
 * their lock, and whoever comes later finds that there is nothing to read.
 *
 * @returns False: somebody reads it, or it can't be removed now.
 */
function* removeGeneration(path: string): Program<boolean> {
  try {
    const taken = yield* takeLock(pathIn(path, READERS_LOCK_NAME), "exclusive");
    if (!taken) return false;
    yield* ensure(unlessGone(unlink(pathIn(path, MANIFEST_NAME))), () => dropLock(taken.lock));
    yield* removeTree(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "") throw error;
    notify({ type: "sweep-failed", path, cause: error });
    return false;
  }
}

/** Generations that a newer one has replaced, for so long that no reader is expected to use them. */
export function* expired({ index, generations }: Survey, graceMs: number): Program<FoundGeneration[]> {
  const nowMs = yield* now();
  const current = typeof index === "object" ? index.directory : undefined;
  const marked = generations.filter(({ markedMs }) => markedMs !== undefined);
  const isExpired = ({ name }: FoundGeneration, at: number): boolean => {
    const replacedMs = marked[at + 1]?.markedMs;
    return name !== current && replacedMs !== undefined && nowMs - replacedMs >= graceMs;
  };
  return marked.filter(isExpired);
}

/** Removes all that can be, and says what of it was. */
export function* removeAll(generations: readonly FoundGeneration[]): Program<string[]> {
  const removed: string[] = [];
  for (const { path } of generations) if (yield* removeGeneration(path)) removed.push(path);
  return removed;
}
