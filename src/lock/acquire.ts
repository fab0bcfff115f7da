/** The programs of one lock. */
import { errnoOf, HoldfastError } from "../errors.ts";
import { type LockOwner, lockNote, parseLockNote } from "../format/lock-note.ts";
import type { HeldLock } from "../io/io.ts";
import {
  cleanUp,
  dropLock,
  now,
  type Program,
  quietly,
  random,
  readLockNote,
  sleep,
  takeLock,
  traits,
  writeLockNote,
} from "../io/program.ts";
import { LOCK_DELAY_FIRST_MS, LOCK_DELAY_MAX_MS } from "../util/limits.ts";

/** Whether several may hold the lock, or one. */
export type LockKind = "exclusive" | "shared";

/** A lock that was taken. */
export interface Acquired {
  readonly lock: HeldLock;
  readonly previousOwnerDied: boolean;
}

/** How long a lock is waited for, and how much of that has passed in the line of this process. */
export interface Patience {
  readonly timeoutMs: number;
  readonly passedMs: number;
}

/** Takes the lock, trying again until the time has passed. */
export function acquire(path: string, kind: LockKind, patience: Patience): Program<Acquired> {
  return insist(() => tryAcquire(path, kind), path, patience);
}

/**
 * Tries again until the time has passed. Each pause is drawn anew, so that waiting processes do not try in step. The pauses are
 * counted too, so that a clock that is set back prolongs nothing.
 */
export function* insist<T>(attempt: () => Program<T | undefined>, path: string, { timeoutMs, passedMs }: Patience): Program<T> {
  const startMs = (yield* now()) - passedMs;
  let pausedMs = passedMs;
  for (let delayMs = LOCK_DELAY_FIRST_MS; ; delayMs = Math.min(LOCK_DELAY_MAX_MS, delayMs * 2)) {
    const acquired = yield* attempt();
    if (acquired !== undefined) return acquired;
    const leftMs = timeoutMs - Math.max(pausedMs, (yield* now()) - startMs);
    if (leftMs <= 0) throw lockedBy(path, timeoutMs, yield* noteOf(path));
    const [byte = 0] = yield* random(1);
    const pauseMs = Math.min(leftMs, delayMs * (0.5 + byte / 510));
    yield* sleep(pauseMs);
    pausedMs += pauseMs;
  }
}

/** Takes the lock if nobody has it. */
export function* tryAcquire(path: string, kind: LockKind): Program<Acquired | undefined> {
  const taken = yield* takeLock(path, kind);
  if (!taken) return undefined;
  const { lock } = taken;
  try {
    const note = parseLockNote(taken.note);
    if (note.state === "foreign") {
      throw new HoldfastError("NOT_A_FILE", { what: "the path has content and is no lock file", path });
    }
    if (kind === "exclusive") yield* writeLockNote(lock, lockNote(yield* owner()));
    return { lock, previousOwnerDied: note.state === "held" };
  } catch (first) {
    yield* cleanUp(() => dropLock(lock));
    throw first;
  }
}

function* owner(): Program<LockOwner> {
  const { pid, host } = (yield* traits()).owner;
  return { pid, host, since: new Date(yield* now()).toISOString() };
}

/**
 * Gives the lock back. If that can't be noted first, the next owner takes this one for dead, which is safe. The lock is gone
 * also if the close fails, and what was done under it stands: an error would say otherwise.
 */
export function* release(lock: HeldLock, kind: LockKind): Program<void> {
  if (kind === "exclusive") yield* quietly(writeLockNote(lock, lockNote(undefined)));
  yield* quietly(dropLock(lock));
}

/** The error for a lock that somebody else has; `note` tells who, if it is not shared. */
export function lockedBy(path: string, waitedMs: number, note: string): HoldfastError {
  const found = parseLockNote(note);
  const by = found.state === "held" ? found.owner : undefined;
  const who = by ? `process ${by.pid} on ${by.host} since ${by.since}` : "another owner";
  return new HoldfastError("LOCKED", {
    what: `${who} has the lock, after waiting ${waitedMs} ms`,
    path,
    details: { waitedMs, ...by },
  });
}

/** The note of a lock file, to be shown; empty if it can't be read, so that the caller learns of the lock and not of that. */
export function* noteOf(path: string): Program<string> {
  try {
    return yield* readLockNote(path);
  } catch (error) {
    if (errnoOf(error) === "") throw error;
    return "";
  }
}
