/**
 * From a staged file to its target's name: the commit point of a file.
 *
 * `rename` replaces whatever has the name; `link` takes the name only if it is free. Both are atomic for readers
 * (rename(2), link(2)); durable only after the directory is synced.
 */
import { certainlyNotApplied, errnoOf, HoldfastError } from "../errors.ts";
import type { Stat } from "../io/io.ts";
import {
  all,
  commit,
  ensure,
  link,
  lstat,
  NotApplied,
  now,
  type Program,
  quietly,
  random,
  rename,
  setTime,
  sleep,
  syncDir,
  traits,
  unlink,
} from "../io/program.ts";
import { HELD_DELAY_FIRST_MS, HELD_DELAY_MAX_MS } from "../util/limits.ts";
import { closeStage, type Staged } from "./stage.ts";
import { lookAt, type Target } from "./target.ts";
import { unlessGone } from "./unless-gone.ts";

/** How to publish. */
export interface Publish {
  /** Fail with EXISTS instead of replacing. */
  readonly ifAbsent: boolean;
  /** Whether the directory is synced before the publish counts as done. */
  readonly barrier: boolean;
  /** How long a rename over a file that somebody holds open is tried again (Windows). */
  readonly heldBudgetMs: number;
  /**
   * Called when nothing but the rename is left, with the path that a later synchronous write can remove to stop it.
   * Returns the staged files that this write must stop first, as they are older.
   */
  readonly overtake: (stagedPath: string) => readonly string[];
}

/**
 * Publishes a synced staged file and closes it.
 *
 * @returns Whether the directory was synced.
 */
export function* publish(staged: Staged, target: Pick<Target, "dir" | "path">, how: Publish): Program<boolean> {
  const step = how.ifAbsent ? takeName : replaceName;
  const barrier = (): Program<boolean> => syncAndClose(staged, target.dir, how.barrier);
  if ((yield* traits()).replacesOpenFiles) {
    for (const older of how.overtake(staged.path)) yield* removeIfThere(older);
    return yield* commit(step(staged, target), barrier);
  }
  // Windows renames no file that is open exclusively, as a staged one is there. From here on only its age protects it, and
  // the sync may have taken long.
  const nowMs = yield* now();
  yield* ensure(setTime(staged.file, nowMs), () => closeStage(staged));
  // Only now, as nobody can remove a staged file while its writer has it open.
  for (const older of how.overtake(staged.path)) yield* whileHeld(() => removeIfThere(older), older, how.heldBudgetMs);
  return yield* whileHeld(() => commit(step(staged, target), barrier), target.path, how.heldBudgetMs);
}

/** After this the rename of an older write, in flight in another thread, has either happened or can't any more. */
const removeIfThere = (stagedPath: string): Program<void> => unlessGone(unlink(stagedPath));

/** The lock has done its work at the rename, so the sync does not wait for the close. */
function* syncAndClose(staged: Staged, dir: string, sync: boolean): Program<boolean> {
  if (!sync) {
    yield* closeStage(staged);
    return false;
  }
  try {
    const [synced] = yield* all([syncDir(dir), closeStage(staged)]);
    return synced;
  } catch (error) {
    // The directory was not opened, so this is no failed sync; the descriptor just closed is free now.
    if (!["EMFILE", "ENFILE"].includes(errnoOf(error))) throw error;
    return yield* syncDir(dir);
  }
}

/** What has a private name, and is closed. */
type Named = Pick<Staged, "path"> & { readonly created: Pick<Stat, "id"> };

/** Publishes what is synced, closed, and protected by something else than its own descriptor; else as {@link publish}. */
export function* publishClosed(
  named: Named,
  target: Pick<Target, "dir" | "path">,
  how: Omit<Publish, "ifAbsent" | "overtake">,
): Program<boolean> {
  const attempt = (): Program<boolean> => commit(replaceName(named, target), () => syncIf(how.barrier, target.dir));
  if ((yield* traits()).replacesOpenFiles) return yield* attempt();
  return yield* whileHeld(attempt, target.path, how.heldBudgetMs);
}

/** False: not synced, as nobody wants it or there is no such thing here. */
export function* syncIf(barrier: boolean, dir: string): Program<boolean> {
  return barrier && (yield* syncDir(dir));
}

function* replaceName(staged: Named, target: Pick<Target, "path">): Program<void> {
  try {
    yield* rename(staged.path, target.path);
  } catch (error) {
    yield* unlessApplied(error, staged, target.path);
  }
}

/** The staged name is left for the clean-up if it can't be removed: the new name is what counts. */
function* takeName(staged: Staged, target: Pick<Target, "path">): Program<void> {
  try {
    yield* link(staged.path, target.path);
  } catch (error) {
    const errno = errnoOf(error);
    // Not found on FAT and some network file systems: EPERM by link(2), others by what was reported for them. EISDIR is what
    // libuv makes of ERROR_INVALID_FUNCTION, the answer of Windows for a FAT drive.
    const noLinks = ["EISDIR", "EMLINK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EPERM"].includes(errno);
    yield* unlessApplied(
      errno === "EEXIST"
        ? new HoldfastError("EXISTS", { path: target.path, cause: error, details: { errno } })
        : noLinks
          ? new HoldfastError("UNSUPPORTED", {
              what: "this file system has no hard links, which ifAbsent needs",
              path: target.path,
              cause: error,
              details: { errno },
            })
          : error,
      staged,
      target.path,
    );
  }
  yield* quietly(unlink(staged.path));
}

/**
 * Looks what a failed rename or link did: a network file system may have lost the reply to one that worked, so the inode at
 * the target decides (rename(2) BUGS). Returns if it was applied, else throws.
 */
function* unlessApplied(error: unknown, staged: Named, target: string): Program<void> {
  if (certainlyNotApplied(error) && errnoOf(error) !== "EEXIST") throw new NotApplied(error);
  try {
    if ((yield* lstat(target))?.id === staged.created.id) return;
    if ((yield* lstat(staged.path))?.id === staged.created.id) throw new NotApplied(error);
  } catch (failed) {
    if (failed instanceof NotApplied) throw failed;
    if (certainlyNotApplied(error)) throw new NotApplied(error);
  }
  throw error;
}

/** What Windows answers to a rename over a file that somebody has open; ERROR_ACCESS_DENIED is EPERM in libuv. */
const HELD = ["EACCES", "EBUSY", "EPERM"];

/**
 * Tries again while somebody holds the target (Windows): virus scanners, indexers and readers do for milliseconds. Only
 * the rename is repeated, never anything that could lose the old file.
 */
export function* whileHeld<T>(attempt: () => Program<T>, target: string, budgetMs: number): Program<T> {
  const startMs = yield* now();
  for (let attempts = 1, delayMs = HELD_DELAY_FIRST_MS; ; attempts++, delayMs = Math.min(HELD_DELAY_MAX_MS, delayMs * 2)) {
    try {
      return yield* attempt();
    } catch (error) {
      const errno = errnoOf(error);
      if (!HELD.includes(errno)) throw error;
      if (attempts === 1) yield* refuseHopeless(target, error);
      const elapsedMs = (yield* now()) - startMs;
      if (elapsedMs >= budgetMs)
        throw new HoldfastError("BUSY", { path: target, cause: error, details: { errno, attempts, elapsedMs } });
    }
    yield* sleep(delayMs * (yield* jitter()));
  }
}

/** EPERM has two permanent causes that can be seen; waiting for them would only cost the budget. */
function* refuseHopeless(target: string, cause: unknown): Program<void> {
  const found = yield* lookAt(target);
  const errno = errnoOf(cause);
  if (found?.kind === "directory")
    throw new HoldfastError("NOT_A_FILE", { what: "the path is a directory", path: target, cause, details: { errno } });
  if (found && (found.mode & 0o222) === 0) {
    throw new HoldfastError("PERMISSION", {
      what: "the file to be replaced is marked read-only",
      path: target,
      cause,
      details: { errno },
    });
  }
}

/** 0.5 to 1.5, so that several writers do not try in step. */
function* jitter(): Program<number> {
  const [byte = 0] = yield* random(1);
  return 0.5 + byte / 255;
}
