/**
 * Which of several writes to one file lands last: the one that was called last, also when calls are asynchronous and
 * synchronous, name the file in different ways, or find the thread pool busy.
 *
 * Every call takes a ticket at once. Asynchronous writes of one file stand in one line, in the order of their tickets. A
 * synchronous write can't wait: it goes ahead, and an older write that has not landed by then never will. Such a write
 * counts as done: it is as if it had landed just before.
 */
import { errnoOf, HoldfastError } from "../errors.ts";
import { orAbort } from "../io/abort.ts";
import type { Machine } from "../io/io.ts";
import { perMachine } from "../io/per-machine.ts";

/** An asynchronous write with its place in a line. */
interface Turn {
  readonly ticket: number;
  readonly coalesce: boolean;
  readonly begin: () => void;
  /** The staged file, from when nothing but its rename is left. */
  stagedPath: string | undefined;
  /** Whether a newer synchronous write has removed the staged file. */
  stopped: boolean;
}

/** The writes of one file that have not landed, and the newest one that has. */
class Line<Result> {
  readonly waiting: Turn[] = [];
  running: Turn | undefined;
  /** Whether there was a write that a later one may not have seen when it looked at the file. */
  used = false;
  landed: { readonly ticket: number; readonly result: Result } | undefined;

  get idle(): boolean {
    return !this.running && this.waiting.length === 0;
  }

  /** What has overtaken the write with this ticket, if anything has. */
  newer(ticket: number): Result | undefined {
    return this.landed && this.landed.ticket > ticket ? this.landed.result : undefined;
  }

  land(ticket: number, result: Result): void {
    if (!this.landed || this.landed.ticket < ticket) this.landed = { ticket, result };
  }

  enter(turn: Turn): void {
    const after = this.waiting.findIndex(({ ticket }) => ticket > turn.ticket);
    this.waiting.splice(after < 0 ? this.waiting.length : after, 0, turn);
    this.proceed();
  }

  leave(turn: Turn): void {
    if (this.running === turn) {
      this.running = undefined;
      this.used = true;
    } else this.waiting.splice(this.waiting.indexOf(turn), 1);
    this.proceed();
  }

  proceed(): void {
    if (this.running || this.waiting.length === 0) return;
    // Of neighbours that may be coalesced the newest goes first; once it has landed, the others are done as well.
    let next = 0;
    while (this.waiting[next]?.coalesce && this.waiting[next + 1]?.coalesce) next++;
    [this.running] = this.waiting.splice(next, 1);
    this.running?.begin();
  }
}

/** Called when nothing but the publish is left; returns the older staged files that must be stopped first. */
export type Overtake = (stagedPath: string) => readonly string[];

/** What one write does in its turn. */
export interface Job<Place extends { readonly key: string }, Result> {
  /** The path as it was spelled. Calls of one spelling stand in line in call order, whoever is resolved first. */
  readonly spelling: string;
  /** Finds out which file it is. */
  readonly resolve: () => Promise<Place>;
  /** Writes it. `stale`: what `resolve` saw may be out of date. */
  readonly perform: (place: Place, stale: boolean, overtake: Overtake) => Promise<Result>;
  /** Whether only the newest of several waiting writes need be made. */
  readonly coalesce: boolean;
  /** Whether an older write that comes later is as good as overwritten: not if this one lands only where nothing is. */
  readonly supersedes: boolean;
  readonly signal: AbortSignal;
}

/** What became of a write: it landed, or a newer one was there first. */
export type Landed<Result> = { readonly result: Result; readonly superseded: boolean };

/** All lines of one machine. */
class WriteOrder<Result> {
  #tickets = 0;
  /** Calls of which the file is not known yet. While there are any, what has landed is remembered for them. */
  #unresolved = 0;
  readonly #lines = new Map<string, Line<Result>>();
  /** By spelling, the newest call that does not stand in its line yet. */
  readonly #entering = new Map<string, Promise<unknown>>();
  /** Keys of idle lines that are remembered. */
  readonly #landed = new Set<string>();

  /** Performs an asynchronous write in its turn. */
  async write<Place extends { readonly key: string }>(job: Job<Place, Result>): Promise<Landed<Result>> {
    const ticket = ++this.#tickets;
    this.#unresolved++;
    const earlier = this.#entering.get(job.spelling);
    let entered!: () => void;
    const own = new Promise<void>((resolve) => {
      entered = resolve;
    });
    // A call that fails before it stands in its line does not let those behind it pass the ones before it.
    const entering = earlier ? Promise.all([earlier, own]) : own;
    this.#entering.set(job.spelling, entering);
    let line: Line<Result>;
    let landed: Promise<Landed<Result>>;
    let key: string;
    try {
      const place = await job.resolve();
      if (earlier) await orAbort(earlier, job.signal);
      key = place.key;
      line = this.#line(key);
      landed = inLine(line, ticket, place, job); // stands in the line when it returns, so the line is not forgotten below
    } finally {
      entered();
      void entering.then(() => {
        if (this.#entering.get(job.spelling) === entering) this.#entering.delete(job.spelling);
      });
      if (--this.#unresolved === 0) this.#forget();
    }
    try {
      return await landed;
    } finally {
      this.#leave(key, line);
    }
  }

  /** Performs a synchronous write at once. */
  writeSync<Place extends { readonly key: string }>(
    resolve: () => Place,
    perform: (place: Place, overtake: Overtake) => Result,
    supersedes: boolean,
  ): Landed<Result> {
    const ticket = ++this.#tickets;
    const place = resolve();
    const line = this.#line(place.key);
    let atItsEnd = false;
    try {
      const result = perform(place, () => {
        atItsEnd = true;
        refuseIfOvertaken(line, ticket); // by a call from within its own source
        return stopOlder(line, ticket);
      });
      if (supersedes) line.land(ticket, result);
      return { result, superseded: false };
    } catch (error) {
      const newer = atItsEnd ? line.newer(ticket) : undefined;
      if (newer === undefined) throw error;
      return { result: newer, superseded: true };
    } finally {
      line.used = true;
      this.#leave(place.key, line);
    }
  }

  #line(key: string): Line<Result> {
    let line = this.#lines.get(key);
    if (!line) {
      line = new Line();
      this.#lines.set(key, line);
    }
    return line;
  }

  #leave(key: string, line: Line<Result>): void {
    if (!line.idle) return;
    if (this.#unresolved === 0) this.#lines.delete(key);
    else this.#landed.add(key);
  }

  /** Nobody can come any more who is older than what has landed. */
  #forget(): void {
    for (const key of this.#landed) if (this.#lines.get(key)?.idle) this.#lines.delete(key);
    this.#landed.clear();
  }
}

/** The staged file of an older write whose rename may be on its way in another thread. */
function stopOlder({ running }: Line<unknown>, ticket: number): readonly string[] {
  if (!running || running.ticket > ticket || running.stagedPath === undefined) return [];
  running.stopped = true;
  return [running.stagedPath];
}

function refuseIfOvertaken(line: Line<unknown>, ticket: number): void {
  if (line.newer(ticket) !== undefined) throw new HoldfastError("ABORTED", { what: "a newer write has landed" });
}

async function inLine<Place extends { readonly key: string }, Result>(
  line: Line<Result>,
  ticket: number,
  place: Place,
  job: Job<Place, Result>,
): Promise<Landed<Result>> {
  let begin!: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const turn: Turn = { ticket, coalesce: job.coalesce, begin, stagedPath: undefined, stopped: false };
  const superseded = (): Landed<Result> | undefined => {
    const result = line.newer(ticket);
    return result === undefined ? undefined : { result, superseded: true };
  };
  const overtake: Overtake = (stagedPath) => {
    turn.stagedPath = stagedPath;
    refuseIfOvertaken(line, ticket);
    return [];
  };
  line.enter(turn);
  try {
    await orAbort(begun, job.signal);
    const before = superseded();
    if (before) return before;
    const result = await job.perform(place, line.used, overtake);
    if (job.supersedes) line.land(ticket, result);
    return { result, superseded: false };
  } catch (error) {
    // Overtaken in its last step: it has seen so itself, or its staged file was taken away.
    const after = turn.stagedPath === undefined ? undefined : superseded();
    if (after) return after;
    // The rename found nothing to rename: it was not made.
    const what = "a newer synchronous write of the file took its place, and then failed";
    throw turn.stopped && errnoOf(error) === "ENOENT" ? new HoldfastError("ABORTED", { what, cause: error }) : error;
  } finally {
    line.leave(turn);
  }
}

const orders = perMachine(() => new WriteOrder<unknown>());

/** The lines of `machine`. */
export function writeOrderOf<Result>(machine: Machine): WriteOrder<Result> {
  return orders(machine) as WriteOrder<Result>;
}
