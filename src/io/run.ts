/**
 * The two loops that drive programs. Both keep the same books, so that an error of either says the same about the disk.
 */
import { HoldfastError, type Outcome, toHoldfastError } from "../errors.ts";
import { abortError, never, onAbort, orAbort } from "./abort.ts";
import type { Call, Io, IoSync } from "./io.ts";
import type { Program, Request } from "./program.ts";

/** What one unit of work has done so far. */
class Unit {
  outcome: Outcome = "unchanged";
  alsoFailed = 0;

  /** The first commit wins: what a transaction does after it, in branches too, is neither aborted nor uncommitted. */
  mark(outcome: Outcome, inBranch: boolean): void {
    if (this.outcome === "committed") return;
    if (inBranch) throw new HoldfastError("ASSERTION", { what: "a unit commits once, outside all()" });
    this.outcome = outcome;
  }

  failed(error: unknown): Error {
    return toHoldfastError(error, this.outcome, this.alsoFailed);
  }
}

const invoke = (io: Io, { op, args }: Call): unknown => (io[op] as (...args: readonly unknown[]) => unknown)(...args);

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise;

/** What a sibling is stopped with; never the error of the unit. */
const SIBLING_FAILED = new HoldfastError("ASSERTION", { what: "a sibling failed" });

/** What stops the branches of one `all`: the abort of the whole, or a sibling's failure. A signal is made only if one is needed. */
class Branches {
  readonly errors = new Set<unknown>();
  readonly #outer: Stop;
  #controller: AbortController | undefined;
  #unlisten: (() => void) | undefined;

  constructor(outer: Stop) {
    this.#outer = outer;
  }

  get reason(): HoldfastError | undefined {
    return this.errors.size > 0 ? SIBLING_FAILED : this.#outer.reason;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController();
      const outer = this.#outer.signal;
      if (this.reason) controller.abort(this.reason);
      this.#unlisten = onAbort(outer, () => controller.abort(outer.reason));
      this.#controller = controller;
    }
    return this.#controller.signal;
  }

  failed(error: unknown): void {
    if (error !== SIBLING_FAILED) this.errors.add(error);
    this.#controller?.abort(SIBLING_FAILED);
  }

  settled(): void {
    this.#unlisten?.();
  }
}

/** Why a program has to stop at its next request, if it has. */
interface Stop {
  readonly reason: HoldfastError | undefined;
  readonly signal: AbortSignal;
}

function stopBy(signal: AbortSignal): Stop {
  return {
    get reason() {
      return signal.aborted ? abortError(signal) : undefined;
    },
    signal,
  };
}

/**
 * Drives `program` on a machine whose answers may come later. A call in flight is never cut short; `signal` counts
 * between calls and in waits, up to the commit.
 *
 * @throws {HoldfastError} Whatever failed, with the `outcome` for the disk.
 */
export async function run<T>(program: Program<T>, io: Io, signal: AbortSignal = never): Promise<T> {
  const unit = new Unit();
  try {
    return await new Drive(io, unit, stopBy(signal), 0, false).toEnd(program);
  } catch (error) {
    throw unit.failed(error);
  }
}

/** One program, or one branch of it, on its way to its end. */
class Drive {
  readonly #io: Io;
  readonly #unit: Unit;
  readonly #stop: Stop;
  readonly #inBranch: boolean;
  #shields: number;

  constructor(io: Io, unit: Unit, stop: Stop, shields: number, inBranch: boolean) {
    this.#io = io;
    this.#unit = unit;
    this.#stop = stop;
    this.#shields = shields;
    this.#inBranch = inBranch;
  }

  async toEnd<T>(program: Program<T>): Promise<T> {
    let step = program.next();
    while (!step.done) {
      let reply: unknown;
      try {
        reply = this.#perform(step.value);
        if (isPromise(reply)) reply = await reply;
      } catch (error) {
        step = program.throw(error);
        continue;
      }
      step = program.next(reply);
    }
    return step.value;
  }

  #perform(request: Request): unknown {
    if (request.op === "shield") {
      this.#shields += request.by;
      return this.#unit.outcome;
    }
    // A commit asks even inside a shield: a program that swallowed the abort is stopped at the latest here.
    const heeds = this.#unit.outcome === "unchanged" && (this.#shields === 0 || request.op === "mark");
    const stopped = heeds ? this.#stop.reason : undefined;
    if (stopped) throw stopped;
    switch (request.op) {
      case "mark":
        return this.#unit.mark(request.outcome, this.#inBranch);
      case "all":
        return this.#settle(request.branches, request.limit);
      case "wait": {
        const { signal } = this.#stop;
        const work = request.on.async(signal);
        return heeds ? orAbort(work, signal) : Promise.resolve(work);
      }
      case "sleep":
        return heeds ? orAbort(invoke(this.#io, request), this.#stop.signal) : invoke(this.#io, request);
      default:
        return invoke(this.#io, request);
    }
  }

  async #settle(branches: readonly Program<unknown>[], limit: number): Promise<unknown[]> {
    const stop = new Branches(this.#stop);
    const results: unknown[] = [];
    const queue = branches.entries();
    const worker = async (): Promise<void> => {
      for (const [index, branch] of queue) {
        if (stop.errors.size > 0) return;
        try {
          results[index] = await new Drive(this.#io, this.#unit, stop, this.#shields, true).toEnd(branch);
        } catch (error) {
          stop.failed(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(limit, branches.length) }, worker));
    stop.settled();
    for (const first of stop.errors) {
      this.#unit.alsoFailed += stop.errors.size - 1;
      throw first;
    }
    return results;
  }
}

/**
 * The synchronous twin of {@link run}. A wait without a `sync` form is refused inside the program, which then cleans up.
 *
 * @throws {HoldfastError} Whatever failed, with the `outcome` for the disk.
 * @throws {TypeError} The program waits for something that has no synchronous form.
 */
export function runSync<T>(program: Program<T>, io: IoSync): T {
  const unit = new Unit();
  try {
    return driveSync(program, io, unit, false);
  } catch (error) {
    throw unit.failed(error);
  }
}

function driveSync<T>(program: Program<T>, io: IoSync, unit: Unit, inBranch: boolean): T {
  let step = program.next();
  while (!step.done) {
    let reply: unknown;
    try {
      reply = performSync(step.value, io, unit, inBranch);
    } catch (error) {
      step = program.throw(error);
      continue;
    }
    step = program.next(reply);
  }
  return step.value;
}

function performSync(request: Request, io: IoSync, unit: Unit, inBranch: boolean): unknown {
  switch (request.op) {
    case "shield":
      return unit.outcome;
    case "mark":
      return unit.mark(request.outcome, inBranch);
    case "all":
      return request.branches.map((branch) => driveSync(branch, io, unit, true));
    case "wait":
      if (request.on.sync) return request.on.sync();
      throw new TypeError("an asynchronous source needs the asynchronous function: use writeFile instead of writeFileSync");
    default:
      return invoke(io, request);
  }
}
