/** What is in the directory of a checkpoint. */
import { makeDirs } from "../core/make-dirs.ts";
import { unlessGone } from "../core/unless-gone.ts";
import { errnoOf, HoldfastError } from "../errors.ts";
import { checkpointName, parseCheckpointName } from "../format/checkpoint.ts";
import type { Entry } from "../io/io.ts";
import { close, ensure, list, lstat, open, type Program, quietly, read, rename, stat, syncDir, unlink } from "../io/program.ts";
import { HEAD_BYTES } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";

/** The names of a checkpoint at one moment, numbers falling. */
export interface Listing {
  readonly generations: readonly number[];
  /** Generations that were moved aside. */
  readonly damaged: readonly number[];
  /** Names of parts. */
  readonly parts: readonly string[];
  /** The greatest number that any name has, 0 if there is none: the next one is greater. */
  readonly greatest: number;
}

/** Makes the directory, if there is none. What is found in it is durable when this returns. */
export function* makePlace(dir: string): Program<void> {
  yield* makeDirs(dir, true);
  if ((yield* stat(dir))?.kind !== "directory") throw noDirectory(dir);
  // A run that was killed may have left names that are in memory only: what is loaded from here on must not vanish again.
  yield* syncDir(dir);
}

/** Lists a checkpoint; nothing is in it if there is no such directory. */
export function* listCheckpoint(dir: string): Program<Listing> {
  const generations: number[] = [];
  const damaged: number[] = [];
  const parts: string[] = [];
  let greatest = 0;
  for (const { name, kind } of yield* entriesOf(dir)) {
    const parsed = kind === "file" ? parseCheckpointName(name) : undefined;
    if (!parsed) continue;
    greatest = Math.max(greatest, parsed.generation);
    if (parsed.part === "generation") generations.push(parsed.generation);
    else if (parsed.part === "damaged") damaged.push(parsed.generation);
    else parts.push(name);
  }
  const falling = (numbers: number[]): number[] => numbers.sort((a, b) => b - a);
  return { generations: falling(generations), damaged: falling(damaged), parts, greatest };
}

function* entriesOf(dir: string): Program<readonly Entry[]> {
  try {
    return (yield* unlessGone(list(dir))) ?? [];
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") throw noDirectory(dir, error);
    throw error;
  }
}

function noDirectory(path: string, cause?: unknown): HoldfastError {
  const what =
    "there is a file where the directory of the checkpoint is to be: give it as option legacy, and choose another path";
  return new HoldfastError("NOT_A_DIRECTORY", { what, path, cause });
}

/** The beginning of a generation, with its first line, and its size; undefined if it is gone. */
export function* readHead(path: string): Program<{ readonly bytes: Uint8Array; readonly sizeBytes: number } | undefined> {
  const found = yield* lstat(path);
  const file = found && (yield* unlessGone(open(path, "read")));
  if (file === undefined) return undefined;
  const body = function* (): Program<Uint8Array> {
    const bytes = new Uint8Array(Math.min(HEAD_BYTES, found?.sizeBytes ?? 0));
    return bytes.subarray(0, yield* read(file, bytes, 0));
  };
  return { bytes: yield* ensure(body(), () => close(file)), sizeBytes: found?.sizeBytes ?? 0 };
}

/** Moves damaged generations to names under which nothing removes them. One that can't be moved stays. */
export function* moveAside(dir: string, generations: readonly number[]): Program<void> {
  for (const generation of generations)
    yield* quietly(
      rename(pathIn(dir, checkpointName("generation", generation)), pathIn(dir, checkpointName("damaged", generation))),
    );
}

/** Removes files, and returns the names of those that could not be (Windows, while somebody has them open). */
export function* removeNames(dir: string, names: readonly string[]): Program<readonly string[]> {
  const left: string[] = [];
  for (const name of names) {
    try {
      yield* unlessGone(unlink(pathIn(dir, name)));
    } catch (error) {
      if (errnoOf(error) === "") throw error;
      left.push(name);
    }
  }
  return left;
}
