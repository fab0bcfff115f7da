/**
 * The language of write protocols. A *program* is a generator that yields requests and does nothing else: no clock, no
 * promise, no `node:fs`. Only `run` and `runSync` (run.ts) drive one.
 *
 * Rules, of which tidy enforces the first two:
 * 1. A program function is called behind `yield*` or as an argument: `syncDir(path);` alone silently does nothing.
 * 2. No `yield` in `finally`, no bare `catch`: clean up with {@link ensure} and {@link onFailure}, so that the first error stands.
 * 3. A program never waits for another program: take locks, slots and queue turns first, then run.
 * 4. A program object is driven once, to its end (never `for..of`, never `.return()`). Only a crash abandons one.
 */
import { isHoldfastError, type Outcome } from "../errors.ts";
import type { Call, File, IoSync, Op } from "./io.ts";

/** What is not the machine: the next chunk of a source, a caller's function. Without `sync` only {@link run} can wait. */
export interface Waiting<T> {
  readonly async: (signal: AbortSignal) => T | PromiseLike<T>;
  readonly sync?: (() => T) | undefined;
}

/** All that a program can yield. */
export type Request =
  | Call
  | { readonly op: "all"; readonly branches: readonly Program<unknown>[]; readonly limit: number }
  | { readonly op: "wait"; readonly on: Waiting<unknown> }
  | { readonly op: "mark"; readonly outcome: Outcome }
  | { readonly op: "shield"; readonly by: 1 | -1 };

/** The reply is `unknown`, which makes a bare `yield` useless: the helpers below hold the only casts. */
export type Program<T> = Generator<Request, T, unknown>;

const request = <K extends Op>(op: K) =>
  function* (...args: Parameters<IoSync[K]>): Program<ReturnType<IoSync[K]>> {
    return (yield { op, args } as unknown as Call) as ReturnType<IoSync[K]>;
  };

export const traits = request("traits");
export const open = request("open");
export const read = request("read");
export const write = request("write");
export const truncate = request("truncate");
export const syncFile = request("syncFile");
export const syncData = request("syncData");
export const close = request("close");
export const statFile = request("statFile");
export const endsBy = request("endsBy");
export const setMode = request("setMode");
export const setTime = request("setTime");
export const setOwner = request("setOwner");
export const tryLock = request("tryLock");
export const takeLock = request("takeLock");
export const writeLockNote = request("writeLockNote");
export const dropLock = request("dropLock");
export const letLockGo = request("letLockGo");
export const retakeLock = request("retakeLock");
export const readLockNote = request("readLockNote");
export const lstat = request("lstat");
export const stat = request("stat");
export const readLink = request("readLink");
export const realPath = request("realPath");
export const list = request("list");
export const search = request("search");
export const rename = request("rename");
export const exchange = request("exchange");
export const link = request("link");
export const unlink = request("unlink");
export const makeDir = request("makeDir");
export const removeDir = request("removeDir");
export const syncDir = request("syncDir");
export const fileSystem = request("fileSystem");
export const sleep = request("sleep");
export const now = request("now");
export const random = request("random");

/** Waits for what is not the machine. An abort ends the wait at once. */
export function* wait<T>(on: Waiting<T>): Program<T> {
  return (yield { op: "wait", on }) as T;
}

/** A branch may not return an open file: when a sibling fails, results are dropped. Open and close inside the branch. */
type Closed<P> = {
  readonly [I in keyof P]: P[I] extends Program<infer T> ? ([Extract<T, File>] extends [never] ? P[I] : never) : never;
};
type Results<P> = { -readonly [I in keyof P]: P[I] extends Program<infer T> ? T : never };

/**
 * Runs branches side by side, at most `limit` at once (one after another in `runSync`). After the first failure none
 * starts, running ones stop at their next request and clean up; when all have settled, that first error is thrown.
 */
export function* all<const P extends readonly Program<unknown>[]>(branches: P & Closed<P>, limit = 8): Program<Results<P>> {
  return (yield { op: "all", branches, limit }) as Results<P>;
}

/** `release` (close a file, leave a source) runs whatever happens; after success its error is an error. */
export function* ensure<T>(body: Program<T>, release: () => Program<unknown>): Program<T> {
  let value: T;
  try {
    value = yield* body;
  } catch (first) {
    yield* cleanUp(release);
    throw first;
  }
  yield* shielded(release, false);
  return value;
}

/** If `body` fails, `undo` takes back what it made; not once a commit was tried, as a reader may hold the result. */
export function* onFailure<T>(body: Program<T>, undo: () => Program<unknown>): Program<T> {
  try {
    return yield* body;
  } catch (first) {
    yield* takeBack(undo);
    throw first;
  }
}

/** For a `catch` that throws the first error again: steps that run deaf to aborts, and whose own failure changes nothing. */
export function cleanUp(steps: () => Program<unknown>): Program<void> {
  return quietly(shielded(steps, false));
}

/** As {@link cleanUp}, but nothing is done once a commit was tried. */
export function takeBack(steps: () => Program<unknown>): Program<void> {
  return quietly(shielded(steps, true));
}

/** Deaf to aborts, so that an abort between getting and releasing a thing leaks nothing. */
function* shielded(steps: () => Program<unknown>, unlessTried: boolean): Program<void> {
  const outcome = yield { op: "shield", by: 1 };
  if (!unlessTried || outcome === "unchanged") yield* steps();
  yield { op: "shield", by: -1 };
}

/** Runs steps whose failure changes nothing for the caller: the first error stands, or there is none. */
export function* quietly(steps: Program<unknown>): Program<void> {
  try {
    yield* steps;
  } catch (error) {
    if (isHoldfastError(error, "ASSERTION")) throw error; // a bug of ours, never a failure of the machine
  }
}

/** Thrown by the step of a {@link commit} that failed and has looked: the change was certainly not made. */
export class NotApplied {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/**
 * The one commit point of a unit: `step` makes it visible, `barrier` durable. The mark serves three: an abort is honoured
 * up to it, the `outcome` of an error is read from it, and a crash sweep expects old before it and new after it.
 */
export function* commit<S, B>(step: Program<S>, barrier: () => Program<B>): Program<B> {
  yield { op: "mark", outcome: "unknown" };
  try {
    yield* step;
  } catch (error) {
    if (!(error instanceof NotApplied)) throw error;
    yield { op: "mark", outcome: "unchanged" };
    throw error.cause;
  }
  const result = yield* barrier();
  yield { op: "mark", outcome: "committed" };
  return result;
}
