/**
 * Waiting under an AbortSignal with one listener a signal, however many writes share it: 64 waits on one signal would
 * print a MaxListenersExceededWarning, and `AbortSignal.any` on a long-lived signal keeps memory for each call.
 */

import { HoldfastError, isHoldfastError } from "../errors.ts";

/** A signal that never aborts. */
export const never: AbortSignal = new AbortController().signal;

const watchers = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `tell` when `signal` aborts, until the returned function is called. */
export function onAbort(signal: AbortSignal, tell: () => void): () => void {
  if (signal === never) return () => {};
  let told = watchers.get(signal);
  if (!told) {
    const everybody = new Set<() => void>();
    told = everybody;
    watchers.set(signal, everybody);
    signal.addEventListener(
      "abort",
      () => {
        for (const one of everybody) one();
      },
      { once: true },
    );
  }
  const set = told.add(tell);
  return () => void set.delete(tell);
}

/** What an aborted operation is rejected with; the caller's reason is its cause. */
export function abortError(signal: AbortSignal): HoldfastError {
  return isHoldfastError(signal.reason) ? signal.reason : new HoldfastError("ABORTED", { cause: signal.reason });
}

/** What `work` gives, or the error of the abort, whichever is first. The work itself goes on, unheard. */
export function orAbort<T>(work: T | PromiseLike<T>, signal: AbortSignal): Promise<T> {
  if (signal === never) return Promise.resolve(work);
  return new Promise((resolve, reject) => {
    // Not without looking at the work: a source that aborts and then fails would be an unhandled rejection.
    if (signal.aborted) reject(abortError(signal));
    const off = onAbort(signal, () => reject(abortError(signal)));
    Promise.resolve(work).then(resolve, reject).finally(off);
  });
}

/** What `work` gives, or the error that `late` makes if it takes longer than so many milliseconds. The work goes on, unheard. */
export function orTimeout<T>(work: Promise<T>, timeoutMs: number, late: () => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
