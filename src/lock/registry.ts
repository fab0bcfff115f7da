/**
 * Who waits in this process for which lock. Of all waiters of one lock the first alone tries the lock file, so they are
 * served in the order in which they came, and a release is passed on at once.
 */
import type { Machine } from "../io/io.ts";
import { perMachine } from "../io/per-machine.ts";
import type { LockKind } from "./acquire.ts";

interface Waiter {
  readonly kind: LockKind;
  readonly begin: () => void;
}

/** One lock file, with those who hold it or wait for it in this process. */
export class Line {
  readonly #waiting: Waiter[] = [];
  #exclusive = false;
  #sharedCount = 0;

  get idle(): boolean {
    return !this.#exclusive && this.#sharedCount === 0 && this.#waiting.length === 0;
  }

  /** Whether `kind` could be had at once, as far as this process is concerned. */
  isFree(kind: LockKind): boolean {
    return this.#waiting.length === 0 && this.#fits(kind);
  }

  /** Asks for a place, which must be given back with {@link Line.leave}, or cancelled if it is not waited for any more. */
  enter(kind: LockKind): { readonly turn: Promise<void>; readonly cancel: () => void } {
    let begin!: () => void;
    const turn = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const waiter: Waiter = { kind, begin };
    this.#waiting.push(waiter);
    this.#proceed();
    const cancel = (): void => {
      const at = this.#waiting.indexOf(waiter);
      if (at < 0) this.leave(kind);
      else {
        this.#waiting.splice(at, 1);
        begin(); // nobody hears it, but what waits on it (a listener on a signal) ends
        this.#proceed();
      }
    };
    return { turn, cancel };
  }

  /** Takes a place without waiting. Only where {@link Line.isFree}. */
  enterNow(kind: LockKind): void {
    if (kind === "exclusive") this.#exclusive = true;
    else this.#sharedCount++;
  }

  leave(kind: LockKind): void {
    if (kind === "exclusive") this.#exclusive = false;
    else this.#sharedCount--;
    this.#proceed();
  }

  #fits(kind: LockKind): boolean {
    return !this.#exclusive && (kind === "shared" || this.#sharedCount === 0);
  }

  #proceed(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.kind); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.enterNow(next.kind);
      next.begin();
    }
  }
}

const linesOf = perMachine(() => new Map<string, Line>());

/** The line of the lock file `key`. */
export function lineOf(machine: Machine, key: string): Line {
  const lines = linesOf(machine);
  let line = lines.get(key);
  if (!line) {
    line = new Line();
    lines.set(key, line);
  }
  return line;
}

/** Forgets the line of `key` if nobody is in it. */
export function forgetIfIdle(machine: Machine, key: string): void {
  const lines = linesOf(machine);
  if (lines.get(key)?.idle) lines.delete(key);
}
