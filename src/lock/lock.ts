import { resolveTarget, type Target } from "../core/target.ts";
import { never, orAbort, orTimeout } from "../io/abort.ts";
import { currentMachine } from "../io/current.ts";
import type { HeldLock, Machine } from "../io/io.ts";
import { dropLock, quietly } from "../io/program.ts";
import { run, runSync } from "../io/run.ts";
import { LOCK_TIMEOUT_MAX_MS, LOCK_TIMEOUT_MS } from "../util/limits.ts";
import { checkOptions, integer, isBoolean, isSignal } from "../util/options.ts";
import { absolutePath } from "../util/path.ts";
import { type Acquired, acquire, type LockKind, lockedBy, noteOf, release, tryAcquire } from "./acquire.ts";
import { forgetIfIdle, type Line, lineOf } from "./registry.ts";

/** Options of {@link tryLock}. */
export interface TryLockOptions {
  /** Several may hold the lock at once, as long as all of them ask for it so. Default false: one holds it alone. */
  readonly shared?: boolean | undefined;
}

/** Options of {@link acquireLock} and {@link withLock}. */
export interface LockOptions extends TryLockOptions {
  /** Longest wait, in milliseconds, 0 to 86400000. Default 10000. 0 tries once. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

const TRY = { shared: isBoolean };
const ACQUIRE = { ...TRY, timeoutMs: integer(LOCK_TIMEOUT_MAX_MS), signal: isSignal };

/** A lock that is held, until it is released or the process ends. Made by {@link acquireLock}. */
export class Lock {
  /** The lock file, without symbolic links. */
  readonly path: string;
  readonly shared: boolean;
  /**
   * Whether the last owner that held it alone ended without releasing it: what it was doing may be half done, so recover
   * first. After a power loss this may be unknown, and false.
   */
  readonly previousOwnerDied: boolean;
  readonly #machine: Machine;
  readonly #lock: HeldLock;
  readonly #leave: () => void;
  #released: Promise<void> | undefined;

  /** @internal */
  constructor(machine: Machine, path: string, kind: LockKind, { lock, previousOwnerDied }: Acquired, leave: () => void) {
    this.path = path;
    this.shared = kind === "shared";
    this.previousOwnerDied = previousOwnerDied;
    this.#machine = machine;
    this.#lock = lock;
    this.#leave = leave;
  }

  /** Gives the lock back, whatever happens. Once is enough; more does nothing. */
  release(): Promise<void> {
    this.#released ??= run(release(this.#lock, this.shared ? "shared" : "exclusive"), this.#machine.io).finally(this.#leave);
    return this.#released;
  }

  /**
   * Gives the lock back as the owner's death would: the next one finds {@link Lock.previousOwnerDied}, and recovers first.
   *
   * @internal
   */
  abandon(): Promise<void> {
    this.#released ??= run(quietly(dropLock(this.#lock)), this.#machine.io).finally(this.#leave);
    return this.#released;
  }

  /** As {@link Lock.release}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/**
 * Takes the lock that the file at `path` stands for, alone or shared, and waits for it if need be.
 *
 * Guarantee: no two processes, threads or callers hold it at once (unless all hold it shared). It ends with the process,
 * however that ends, at once: there is no time after which it is stolen, and a blocked event loop does not lose it. Waiters of
 * one process are served in order; between processes who tries at the right moment is next.
 *
 * It is advisory: it keeps out only those who take it too. On network file systems (NFS, SMB) it is as good as their locks
 * are; on NFS without a lock server it is `UNSUPPORTED`.
 *
 * Cost: a few short calls on the main thread; one descriptor while it is held. Waiting holds no thread.
 *
 * @param path A file for this purpose alone, made if there is none and never removed: not the file that is protected. Its
 *   directory must exist. It says who holds the lock, for people.
 * @throws {HoldfastError} `LOCKED` after `timeoutMs`, with `details` `pid`, `host` and `since` of the owner; `ABORTED`;
 *   `NOT_A_FILE` if the file has content and is no lock file; `NOT_FOUND`, `PERMISSION`, `READ_ONLY`; `UNSUPPORTED` where no
 *   kernel lock can be had, with what to install. Always outcome `unchanged`.
 *
 * Source: fcntl(2), open file description locks; flock(2) on macOS; CreateFileW share modes on Windows.
 * @example
 * const lock = await acquireLock("state.lock", { timeoutMs: 5000 });
 * try {
 *   await migrate();
 * } finally {
 *   await lock.release();
 * }
 */
export async function acquireLock(path: string | URL, options?: LockOptions): Promise<Lock> {
  const { shared = false, timeoutMs = LOCK_TIMEOUT_MS, signal = never } = checkOptions(options, ACQUIRE);
  const machine = currentMachine();
  const kind: LockKind = shared ? "shared" : "exclusive";
  const target = locate(path, machine);
  const startMs = machine.sync.now();
  const { line, leave } = placeFor(machine, target, kind);
  if (line.isFree(kind)) line.enterNow(kind);
  else await turnOf(line, kind, timeoutMs, signal, target, machine);
  try {
    const passedMs = Math.max(0, machine.sync.now() - startMs);
    const acquired = await run(acquire(target.path, kind, { timeoutMs, passedMs }), machine.io, signal);
    return new Lock(machine, target.path, kind, acquired, leave);
  } catch (error) {
    leave();
    throw error;
  }
}

/** Waits for a place in the line of this process. */
export async function turnOf(
  line: Line,
  kind: LockKind,
  timeoutMs: number,
  signal: AbortSignal,
  { path, key }: Target,
  machine: Machine,
): Promise<void> {
  const { turn, cancel } = line.enter(kind);
  try {
    // In this order: an abort ends the timer too.
    await orTimeout(orAbort(turn, signal), timeoutMs, () => lockedBy(path, timeoutMs, runSync(noteOf(path), machine.sync)));
  } catch (error) {
    cancel();
    forgetIfIdle(machine, key);
    throw error;
  }
}

/** On this thread, as all of locking: three look-ups that touch memory only. */
export function locate(path: string | URL, machine: Machine): Target {
  return runSync(resolveTarget(absolutePath(path), "follow"), machine.sync);
}

/**
 * Takes the lock if it is free, as {@link acquireLock} does, and does not wait.
 *
 * @returns Undefined if somebody has it.
 */
export async function tryLock(path: string | URL, options?: TryLockOptions): Promise<Lock | undefined> {
  const { shared = false } = checkOptions(options, TRY);
  const machine = currentMachine();
  const kind: LockKind = shared ? "shared" : "exclusive";
  const target = locate(path, machine);
  const { line, leave } = placeFor(machine, target, kind);
  if (!line.isFree(kind)) return undefined;
  line.enterNow(kind);
  let acquired: Acquired | undefined;
  try {
    acquired = await run(tryAcquire(target.path, kind), machine.io);
  } finally {
    if (!acquired) leave();
  }
  return acquired && new Lock(machine, target.path, kind, acquired, leave);
}

/**
 * Calls `body` while the lock is held, and releases it however `body` ends.
 *
 * @throws As {@link acquireLock}, and what `body` throws.
 */
export async function withLock<T>(path: string | URL, body: (lock: Lock) => Promise<T> | T, options?: LockOptions): Promise<T> {
  if (typeof body !== "function") throw new TypeError("body must be a function");
  const lock = await acquireLock(path, options);
  try {
    return await body(lock);
  } finally {
    await lock.release();
  }
}

/**
 * The synchronous twin of {@link withLock}, for {@link updateFileSync}. Waits for other processes, but not for this one,
 * which could not go on meanwhile.
 *
 * @internal
 */
export function withLockSync<T>(path: string, timeoutMs: number, body: () => T): T {
  const machine = currentMachine();
  const target = locate(path, machine);
  const { line, leave } = placeFor(machine, target, "exclusive");
  if (!line.isFree("exclusive")) throw lockedBy(target.path, 0, runSync(noteOf(target.path), machine.sync));
  line.enterNow("exclusive");
  try {
    const { lock } = runSync(acquire(target.path, "exclusive", { timeoutMs, passedMs: 0 }), machine.sync);
    try {
      return body();
    } finally {
      runSync(release(lock, "exclusive"), machine.sync);
    }
  } finally {
    leave();
  }
}

/** The line of a lock in this process, and how a place in it is given back. */
export function placeFor(machine: Machine, { key }: Target, kind: LockKind): { readonly line: Line; readonly leave: () => void } {
  const line = lineOf(machine, key);
  const leave = (): void => {
    line.leave(kind);
    forgetIfIdle(machine, key);
  };
  return { line, leave };
}
