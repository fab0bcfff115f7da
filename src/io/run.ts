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

/**
 * Drives `program` on a machine whose answers may come later. A call in flight is never cut short; `signal` counts
 * between calls and in waits, up to the commit.
 *
 * @throws {HoldfastError} Whatever failed, with the `outcome` for the disk.
 */
export async function run<T>(program: Program<T>, io: Io, signal: AbortSignal = never): Promise<T> {
  const unit = new Unit();
  try {
    return await new Drive(io, unit, signal, 0, false).toEnd(program);
  } catch (error) {
    throw unit.failed(error);
  }
}

/** One program, or one branch of it, on its way to its end. */
class Drive {
  readonly #io: Io;
  readonly #unit: Unit;
  readonly #signal: AbortSignal;
  readonly #inBranch: boolean;
  #shields: number;

  constructor(io: Io, unit: Unit, signal: AbortSignal, shields: number, inBranch: boolean) {
    this.#io = io;
    this.#unit = unit;
    this.#signal = signal;
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
    if (heeds && this.#signal.aborted) throw abortError(this.#signal);
    switch (request.op) {
      case "mark":
        return this.#unit.mark(request.outcome, this.#inBranch);
      case "all":
        return this.#settle(request.branches, request.limit);
      case "wait": {
        const work = request.on.async(this.#signal);
        return heeds ? orAbort(work, this.#signal) : Promise.resolve(work);
      }
      case "sleep":
        return heeds ? orAbort(invoke(this.#io, request), this.#signal) : invoke(this.#io, request);
      default:
        return invoke(this.#io, request);
    }
  }

  async #settle(branches: readonly Program<unknown>[], limit: number): Promise<unknown[]> {
    const stop = new AbortController();
    const unlisten = onAbort(this.#signal, () => stop.abort(this.#signal.reason));
    const results: unknown[] = [];
    const errors = new Set<unknown>();
    const queue = branches.entries();
    const worker = async (): Promise<void> => {
      for (const [index, branch] of queue) {
        if (errors.size > 0) return;
        try {
          results[index] = await new Drive(this.#io, this.#unit, stop.signal, this.#shields, true).toEnd(branch);
        } catch (error) {
          if (error !== SIBLING_FAILED) errors.add(error);
          stop.abort(SIBLING_FAILED);
        }
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(limit, branches.length) }, worker));
    } finally {
      unlisten();
    }
    for (const first of errors) {
      this.#unit.alsoFailed += errors.size - 1;
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
