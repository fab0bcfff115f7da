/** From a staged directory to its target's name: the ways of `docs/format/directory.md`. */

import { certainlyNotApplied, errnoOf, HoldfastError } from "../errors.ts";
import type { JournalStep } from "../format/journal.ts";
import { ourName } from "../format/names.ts";
import type { Stat } from "../io/io.ts";
import { commit, exchange, list, lstat, NotApplied, type Program, rename, traits } from "../io/program.ts";
import { LISTED_MAX } from "../util/limits.ts";
import { carryOut, syncOrKeep } from "./carry-out.ts";
import { planChanges, type Unit, type Wanted } from "./plan.ts";
import { syncIf } from "./publish.ts";
import { isSame, seenOf } from "./seen.ts";
import type { StagedTree } from "./staged-tree.ts";
import type { Target } from "./target.ts";

/**
 * How a directory was published. `rename`: its name was free, or that of an empty directory. `exchange`: it changed places with
 * the old one, in one step. `two-step`: the old one was moved aside first; a reader may have found none for a moment, and a
 * crash in it is put right by the next use of the directory. `file-by-file`: each file was replaced on its own; a reader may
 * have found old and new ones side by side, and a crash in it is put right likewise.
 */
export type Way = "exchange" | "file-by-file" | "rename" | "two-step";

/** A directory that was published. */
export interface PublishedTree {
  readonly way: Way;
  readonly dirSynced: boolean;
  /** See {@link CarriedOut}; empty for what is done in one step. */
  readonly superseded: readonly string[];
  readonly kept: readonly string[];
}

/** How to publish. */
export interface PublishTree {
  /** Whether content that is there is replaced; an empty directory always is. */
  readonly replace: boolean;
  /** Whether the directory is synced before the publish counts as done. */
  readonly barrier: boolean;
}

type Place = Pick<Target, "dir" | "name" | "path">;

/** Why it was not done in one step; nothing was changed. */
const NO_EXCHANGE = Symbol("there is no such step here");
const NO_MOVES = Symbol("directories can't be moved here");
const NOT_EMPTY = Symbol("there is content, which is not to be replaced");

/** Publishes in one atomic step. Where there is none, nothing was changed, and the way is told that can be gone. */
export function* publishAtOnce(
  staged: StagedTree,
  target: Place,
  how: PublishTree,
): Program<PublishedTree | "file-by-file" | "two-step"> {
  if (!(yield* traits()).replacesOpenFiles) return "file-by-file"; // Windows moves no directory in which a file is open
  let way: Way = "rename";
  const step = function* (): Program<void> {
    if (yield* tookName(staged, target)) return;
    if (!how.replace) throw new NotApplied(NOT_EMPTY);
    way = "exchange";
    yield* exchangeNames(staged, target);
  };
  try {
    const dirSynced = yield* commit(step(), () => syncOrKeep(staged, "dir", syncIf(how.barrier, target.dir)));
    return { way, dirSynced, superseded: [], kept: [] };
  } catch (error) {
    if (error === NO_EXCHANGE) return "two-step";
    if (error === NO_MOVES) return "file-by-file";
    throw error === NOT_EMPTY ? yield* notEmpty(target) : error;
  }
}

/** rename(2): a directory takes a free name, or that of an empty directory, and no other. False: one with content is there. */
function* tookName(staged: StagedTree, target: Place): Program<boolean> {
  try {
    yield* rename(staged.path, target.path);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EEXIST" || errno === "ENOTEMPTY") return false;
    if (errno === "EXDEV") throw new NotApplied(NO_MOVES); // an empty directory of a lower layer of an overlay
    if (errno === "ENOTDIR") throw new NotApplied(notDirectory(target.path, error));
    yield* unlessMoved(staged, target, error);
    return true;
  }
}

function* exchangeNames(staged: StagedTree, target: Place): Program<void> {
  try {
    if (!(yield* exchange(staged.path, target.path))) throw new NotApplied(NO_EXCHANGE);
  } catch (error) {
    if (errnoOf(error) === "EXDEV") throw new NotApplied(NO_MOVES);
    if (errnoOf(error) === "ENOENT") throw new NotApplied(NO_EXCHANGE); // whoever had the name has gone: it is looked at again
    if (error instanceof NotApplied) throw error;
    yield* unlessMoved(staged, target, error);
  }
  if ((yield* lstat(staged.path))?.kind === "directory") return;
  yield* exchange(staged.path, target.path); // somebody has put a file there since we looked
  throw new NotApplied(notDirectory(target.path));
}

/** As for files: what is at the target decides what a failed step has done. */
function* unlessMoved(staged: StagedTree, target: Place, error: unknown): Program<void> {
  if (certainlyNotApplied(error)) throw new NotApplied(error);
  if ((yield* lstat(target.path))?.id === staged.created.id) return;
  if ((yield* lstat(staged.path))?.id === staged.created.id) throw new NotApplied(error);
  throw error;
}

/**
 * Publishes in several steps, under a journal. The caller holds the journal lock of the directory, and has recovered what dead
 * owners have left there.
 */
export function* publishBySteps(staged: StagedTree, target: Place, how: PublishTree): Program<PublishedTree> {
  const atOnce = yield* publishAtOnce(staged, target, how); // the name may have become free
  if (typeof atOnce !== "string") return atOnce;
  const existing = yield* lstat(target.path);
  if (existing && existing.kind !== "directory") throw notDirectory(target.path);
  const inTwo = atOnce === "two-step" && existing ? yield* swapInTwo(staged, target, existing) : undefined;
  if (inTwo) return inTwo;
  if (!how.replace && existing && (yield* list(target.path)).length > 0) throw yield* notEmpty(target);
  const steps = yield* planWhole(staged, target);
  const done = yield* carryOut({ dir: staged.dir, id: staged.id, record: { target: target.name, steps } });
  return { ...done, way: "file-by-file" };
}

/** The steps by which a staged directory takes the place of all that its target is. */
function* planWhole(staged: StagedTree, { name }: Place): Program<JournalStep[]> {
  const at = ourName("dir", staged.id);
  const wanted: Wanted = { kind: "directory", at, replaces: true, changes: new Map() };
  const changes = new Map([[(yield* traits()).foldName(name), { name, wanted }]]);
  const unit: Unit = { dir: staged.dir, staged: at, slot: () => at, digests: new Map() };
  return yield* planChanges(unit, { kind: "directory", at: ".", replaces: false, changes });
}

/** Undefined: directories can't be moved here (EXDEV, on an overlay), and nothing was changed. */
function* swapInTwo(staged: StagedTree, target: Place, existing: Stat): Program<PublishedTree | undefined> {
  const step = {
    do: "swap",
    target: target.name,
    before: seenOf(existing),
    staged: ourName("dir", staged.id),
    after: seenOf(staged.created),
    aside: ourName("aside", staged.id),
  } as const;
  try {
    const done = yield* carryOut({ dir: staged.dir, id: staged.id, record: { target: target.name, steps: [step] } });
    return { ...done, way: "two-step" };
  } catch (error) {
    if (errnoOf(error) !== "EXDEV") throw error;
  }
  // Only an EXDEV of which all was taken back comes this far with the directory as it was.
  if (isSame(yield* lstat(target.path), step.before)) return undefined;
  throw new HoldfastError("IO", { what: "the directory could not be moved back", path: target.path });
}

function notDirectory(path: string, cause?: unknown): HoldfastError {
  return new HoldfastError("NOT_A_DIRECTORY", { what: "the path is not a directory", path, cause });
}

/** Says what is there, as much of it as a person wants to read. */
export function* notEmpty({ path }: Pick<Place, "path">): Program<HoldfastError> {
  const names = (yield* list(path)).map(({ name }) => name);
  return notEmptyError(path, names, "it is replaced only with replace: true");
}

/** The error for a directory that has content; `unless` says when that is no hindrance. */
export function notEmptyError(path: string, names: readonly string[], unless: string): HoldfastError {
  const shown = [...names].sort().slice(0, LISTED_MAX).join(", ");
  const more = names.length > LISTED_MAX ? ` and ${names.length - LISTED_MAX} more` : "";
  return new HoldfastError("EXISTS", {
    what: `the directory is not empty: ${shown}${more}; ${unless}`,
    path,
    details: { entryCount: names.length },
  });
}
