/**
 * A staged file: the new content under a private name beside its target, locked by its writer for as long as it lives.
 */
import { errnoOf, HoldfastError } from "../errors.ts";
import { newId, ourName, type Part, TOKEN_BYTES } from "../format/names.ts";
import type { File, Stat } from "../io/io.ts";
import {
  cleanUp,
  close,
  open,
  type Program,
  quietly,
  random,
  setMode,
  setOwner,
  statFile,
  takeBack,
  traits,
  tryLock,
  unlink,
} from "../io/program.ts";
import { STAGE_ATTEMPTS_MAX } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";

/** A staged file. `file` is open, and so locked, until it is published or discarded. */
export interface Staged {
  /** What its name has of its own. */
  readonly id: string;
  readonly path: string;
  readonly file: File;
  /** As it was created: identity, owner and mode. */
  readonly created: Stat;
  /** Whether {@link Staged.file} is still open; only this module and publish.ts close it. */
  open: boolean;
}

/** A property of the old file that the new one could not be given. */
export type NotKept = "group" | "mode" | "owner";

/** Permission bits for a new file, before umask: what open(2) is given by everybody. */
const MODE_DEFAULT = 0o666;
/** Permission bits that make no file more accessible than it was. */
const MODE_ACCESS = 0o777;
const MODE_SET_ID = 0o6000;

/**
 * Creates an empty staged file in `dir` and locks it.
 *
 * Between creating and locking, a sweeper may take the file for a dead writer's: then the lock is refused, or the file has
 * no name any more, and another name is tried.
 *
 * @param mode Permission bits before umask; never more than the target is to have.
 * @param part What it is, which its name says.
 */
export function* createStage(dir: string, mode: number | undefined, part: Part = "stage"): Program<Staged> {
  const kind = (yield* traits()).lock === "none" ? "unlocked" : "locked";
  for (let attempt = 0; attempt < STAGE_ATTEMPTS_MAX; attempt++) {
    const id = newId(yield* random(TOKEN_BYTES), kind);
    const name = pathIn(dir, ourName(part, id));
    const file = yield* create(name, mode ?? MODE_DEFAULT);
    if (file === undefined) continue;
    try {
      const locked = yield* tryLock(file, "exclusive");
      const created = yield* statFile(file);
      if (locked && created.links > 0) return { id, path: name, file, created, open: true };
    } catch (first) {
      yield* cleanUp(() => discardFile(name, file, true));
      throw first;
    }
    yield* cleanUp(() => discardFile(name, file, true));
  }
  throw new HoldfastError("BUSY", { what: "no staged file could be kept: each was removed at once", path: dir });
}

/** Undefined: the name is taken. */
function* create(name: string, mode: number): Program<File | undefined> {
  try {
    return yield* open(name, "create", mode);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return undefined;
    yield* quietly(unlink(name)); // it may have been made all the same (EIO, a lost reply); nobody else has this name
    throw error;
  }
}

/** What the finished file must have. */
export interface Attributes {
  /** Exact permission bits, set whatever umask says. */
  readonly mode: number | undefined;
  /** The file or directory to be replaced, whose owner and mode are kept. */
  readonly existing: Stat | undefined;
}

/** The mode to create a staged file with, so that it is at no moment more accessible than the finished one. */
export function stagingMode({ mode, existing }: Attributes): number | undefined {
  const final = mode ?? kept(existing)?.mode;
  return final === undefined ? undefined : final & MODE_ACCESS;
}

/** Of a symbolic link that is replaced nothing is kept. */
const kept = (existing: Stat | undefined): Stat | undefined => (existing?.kind === "symlink" ? undefined : existing);

/** What is open and gets attributes: a staged file, or a staged directory. */
type Open = Pick<Staged, "created" | "file">;

/**
 * Gives the staged file its owner and mode, on the descriptor and before the sync that makes them durable.
 *
 * @returns What could not be kept; an explicit mode that is refused is an error instead.
 */
export function* setAttributes(staged: Open, attributes: Attributes): Program<readonly NotKept[]> {
  const existing = kept(attributes.existing);
  const notKept: NotKept[] = existing ? yield* keepOwner(staged, existing) : [];
  // Keeping set-user-id without the owner would lend the wrong user's rights.
  const old = existing && (notKept.length > 0 ? existing.mode & ~MODE_SET_ID : existing.mode);
  const mode = attributes.mode ?? old;
  // After the owner, as fchown(2) clears set-user-id and set-group-id; a staged file is never created with them.
  if (mode !== undefined && mode !== staged.created.mode) {
    try {
      yield* setMode(staged.file, mode);
    } catch (error) {
      if (attributes.mode !== undefined || !isRefusal(error)) throw error;
      notKept.push("mode"); // exFAT and some network file systems have no modes
    }
  }
  return notKept;
}

function hasOwner({ created }: Open, { userId, groupId }: Stat): boolean {
  return created.userId === userId && created.groupId === groupId;
}

function* keepOwner(staged: Open, existing: Stat): Program<NotKept[]> {
  if (hasOwner(staged, existing)) return [];
  const { userId, groupId } = existing;
  if (yield* tryOwner(staged.file, userId, groupId)) return [];
  if (userId === staged.created.userId) return ["group"];
  if (groupId === staged.created.groupId) return ["owner"];
  return (yield* tryOwner(staged.file, staged.created.userId, groupId)) ? ["owner"] : ["owner", "group"];
}

function* tryOwner(file: File, userId: number, groupId: number): Program<boolean> {
  try {
    yield* setOwner(file, userId, groupId);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** EINVAL: the id has no meaning in this user namespace (chown(2)). */
function isRefusal(error: unknown): boolean {
  return ["EACCES", "EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM"].includes(errnoOf(error));
}

/**
 * Checks that the file is as long as what was written to it. After the sync, as NFS would otherwise flush here, in a call
 * that others wait for.
 */
export function* checkSize(staged: Pick<Staged, "file" | "path">, sizeBytes: number): Program<void> {
  const { sizeBytes: found } = yield* statFile(staged.file);
  if (found === sizeBytes) return;
  throw new HoldfastError("IO", {
    what: "the staged file is not as long as what was written to it",
    path: staged.path,
    details: { sizeBytes, found },
  });
}

/** Closes the staged file and with it gives up its lock. */
export function* closeStage(staged: Staged): Program<void> {
  if (!staged.open) return;
  staged.open = false;
  yield* close(staged.file);
}

/**
 * Uses a staged file, and closes it whatever happens. If `use` fails before its commit was tried, the file is removed too.
 */
export function* withStage<T>(staged: Staged, use: Program<T>): Program<T> {
  let value: T;
  try {
    value = yield* use;
  } catch (first) {
    yield* takeBack(() => discardStage(staged));
    yield* cleanUp(() => closeStage(staged));
    throw first;
  }
  if (staged.open) yield* closeStage(staged);
  return value;
}

/** Removes a staged file and closes it. */
export function* discardStage(staged: Staged): Program<void> {
  const open = staged.open;
  staged.open = false;
  yield* discardFile(staged.path, staged.file, open);
}

/** POSIX removes under the lock, so that no sweeper is in between; Windows can't remove what is open exclusively. */
function* discardFile(name: string, file: File, open: boolean): Program<void> {
  const { lock } = yield* traits();
  if (open && lock === "share-mode") yield* quietly(close(file));
  yield* quietly(unlink(name));
  if (open && lock !== "share-mode") yield* quietly(close(file));
}
