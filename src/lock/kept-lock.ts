/** A lock that one object takes again and again, for short: its file stays open, and what it says is up to who uses it. */
import { errnoOf } from "../errors.ts";
import { never } from "../io/abort.ts";
import type { HeldLock, Machine } from "../io/io.ts";
import { dropLock, ensure, letLockGo, type Program, quietly, retakeLock, takeLock } from "../io/program.ts";
import { run, runSync } from "../io/run.ts";
import { insist, lockedBy, type Patience } from "./acquire.ts";
import { locate, placeFor, turnOf } from "./lock.ts";

/**
 * See above. As `acquireLock`, at a tenth of its cost, and without the note that tells the next owner of a death: who uses it has
 * something of its own that tells.
 *
 * @internal
 */
export class KeptLock {
  readonly #machine: Machine;
  readonly #target: ReturnType<typeof locate>;
  readonly #timeoutMs: number;
  #lock: HeldLock | undefined;

  constructor(machine: Machine, path: string, timeoutMs: number) {
    this.#machine = machine;
    this.#target = locate(path, machine);
    this.#timeoutMs = timeoutMs;
  }

  /** Drives a program while the lock is held. */
  async use<T>(body: (lock: HeldLock) => Program<T>, signal: AbortSignal = never): Promise<T> {
    const { line, leave } = placeFor(this.#machine, this.#target, "exclusive");
    let passedMs = 0;
    if (line.isFree("exclusive")) line.enterNow("exclusive");
    else {
      const startMs = this.#machine.sync.now();
      await turnOf(line, "exclusive", this.#timeoutMs, signal, this.#target, this.#machine);
      passedMs = Math.max(0, this.#machine.sync.now() - startMs);
    }
    try {
      return await run(this.#holding(body, passedMs), this.#machine.io, signal);
    } finally {
      leave();
    }
  }

  /** The synchronous twin of {@link KeptLock.use}. Waits for other processes, but not for this one, which could not go on. */
  useSync<T>(body: (lock: HeldLock) => Program<T>): T {
    const { line, leave } = placeFor(this.#machine, this.#target, "exclusive");
    if (!line.isFree("exclusive")) throw lockedBy(this.#target.path, 0, "");
    line.enterNow("exclusive");
    try {
      return runSync(this.#holding(body, 0), this.#machine.sync);
    } finally {
      leave();
    }
  }

  /** Closes the file. */
  async close(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    if (lock !== undefined) await run(quietly(dropLock(lock)), this.#machine.io);
  }

  *#holding<T>(body: (lock: HeldLock) => Program<T>, passedMs: number): Program<T> {
    const patience: Patience = { timeoutMs: this.#timeoutMs, passedMs };
    const lock = (yield* this.#try()) ?? (yield* insist(() => this.#try(), this.#target.path, patience));
    return yield* ensure(body(lock), () => this.#letGo(lock));
  }

  *#try(): Program<HeldLock | undefined> {
    if (this.#lock !== undefined) return (yield* retakeLock(this.#lock)) ? this.#lock : undefined;
    this.#lock = (yield* takeLock(this.#target.path, "exclusive"))?.lock;
    return this.#lock;
  }

  /** It is gone whatever fails, as what was done under it stands. */
  *#letGo(lock: HeldLock): Program<void> {
    try {
      yield* letLockGo(lock);
    } catch (error) {
      if (errnoOf(error) === "") throw error;
      this.#lock = undefined;
      yield* quietly(dropLock(lock));
    }
  }
}
