/**
 * A staged directory: new content under a private name beside its target, and a file whose lock shows that its owner lives.
 *
 * The file is beside the directory and not in it: it exists before the directory and after it, so that no moment is left in
 * which the directory has no proof of life (docs/decisions/0011-staged-directories.md).
 */
import { HoldfastError } from "../errors.ts";
import { lockNote } from "../format/lock-note.ts";
import { ourName } from "../format/names.ts";
import type { Stat } from "../io/io.ts";
import {
  cleanUp,
  close,
  ensure,
  lstat,
  makeDir,
  now,
  open,
  type Program,
  quietly,
  syncDir,
  takeBack,
  traits,
  write,
} from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import {
  type Attributes,
  closeStage,
  createStage,
  discardStage,
  type NotKept,
  type Staged,
  setAttributes,
  stagingMode,
} from "./stage.ts";
import { removeTree } from "./tree.ts";

/** A staged directory with a live owner. */
export interface StagedTree {
  readonly id: string;
  /** The directory that the target is in. */
  readonly dir: string;
  readonly path: string;
  readonly life: Staged;
  readonly created: Stat;
}

const LIFE_MODE = 0o600;
/** For the time of staging nobody else needs to look inside. */
const PRIVATE_MODE = 0o700;
const MODE_DEFAULT = 0o777;

/** Makes a staged directory in `dir`; `existing` is what it will replace. */
export function createTree(dir: string, attributes: Attributes): Program<StagedTree> {
  return create(dir, "dir", stagingMode(attributes) ?? MODE_DEFAULT);
}

/** Makes a place for one output of a command, whose own name is not ours to choose. */
export function createOutputPlace(dir: string): Program<StagedTree> {
  return create(dir, "out", PRIVATE_MODE);
}

function* create(dir: string, part: "dir" | "out", mode: number): Program<StagedTree> {
  const life = yield* createStage(dir, LIFE_MODE, "life");
  const at = pathIn(dir, ourName(part, life.id));
  try {
    yield* sayWhose(life);
    yield* makeDir(at, mode);
    const created = yield* lstat(at);
    if (created) return { id: life.id, dir, path: at, life, created };
  } catch (first) {
    yield* cleanUp(() => discardAt(at, life));
    throw first;
  }
  throw new HoldfastError("BUSY", { what: "the staged directory was removed at once", path: at });
}

/** For people who ask whose it is; proves nothing. */
function* sayWhose(life: Staged): Program<void> {
  const { pid, host } = (yield* traits()).owner;
  const note = lockNote({ pid, host, since: new Date(yield* now()).toISOString() });
  yield* quietly(write(life.file, new TextEncoder().encode(note), 0));
}

/** Removes what is staged, and then the proof of life. */
export function discardTree(staged: StagedTree): Program<void> {
  return discardAt(staged.path, staged.life);
}

function* discardAt(at: string, life: Staged): Program<void> {
  try {
    yield* removeTree(at);
  } catch (first) {
    yield* cleanUp(() => closeStage(life)); // what is left is swept later, as a dead owner's
    throw first;
  }
  yield* discardStage(life);
}

/**
 * Uses a staged directory. If `use` fails before its commit was tried, all of it is removed; once one was tried, it is left for
 * recovery, which needs the lock.
 */
export function* withTree<T>(staged: StagedTree, use: Program<T>): Program<T> {
  try {
    return yield* use;
  } catch (first) {
    yield* takeBack(() => discardTree(staged));
    yield* cleanUp(() => closeStage(staged.life));
    throw first;
  }
}

/**
 * Ends a unit that is committed: what is under its staged name now is the old content. Its removal is no part of the commit,
 * and is made up for by the next sweep if it fails. Before it, the commit must be durable: a power loss that undoes it must find
 * the old content whole.
 */
export function* endTree(staged: StagedTree, barrier: boolean): Program<void> {
  if (barrier) yield* syncDir(staged.dir);
  yield* discardTree(staged);
}

/** Gives the staged directory itself its owner and mode. Windows has none for directories. */
export function* setTreeAttributes(staged: StagedTree, attributes: Attributes): Program<readonly NotKept[]> {
  if ((yield* traits()).userId === undefined) return [];
  const file = yield* open(staged.path, "read");
  return yield* ensure(setAttributes({ file, created: staged.created }, attributes), () => close(file));
}
