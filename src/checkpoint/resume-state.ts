/** What a resumable job saves, and how it is taken up again. */
import { HoldfastError } from "../errors.ts";
import type { Header, Member } from "../format/checkpoint.ts";
import { Cursor } from "./cursor.ts";
import { DoneKeys, type Key } from "./done-keys.ts";

/** The order in which a source gives its items. `ascending`: each key is greater than the one before. */
export type Order = "any" | "ascending";

/** The state of a job in its checkpoint. */
export interface ResumeState {
  readonly resumable: 1;
  readonly order: Order;
  /** Items that are done. */
  readonly done: number;
  /** Keys of items that failed and were passed over: the next run tries them again. */
  readonly failed: readonly Key[];
  /** Whether the source came to its end. */
  readonly finished: boolean;
  /** With order `any`: the newest done keys. Those before are digests, in the members of the generation. */
  readonly recent?: readonly Key[] | undefined;
  /** With order `ascending`: all up to this key is done, and so are these above it. */
  readonly after?: Key | undefined;
  readonly above?: readonly Key[] | undefined;
}

/** What is done of one job. */
export class Tally {
  readonly order: Order;
  doneCount = 0;
  readonly failed = new Set<Key>();
  readonly #keys = new DoneKeys();
  readonly #cursor = new Cursor();

  constructor(order: Order) {
    this.order = order;
  }

  /** Whether the job has to wait before it takes more items. */
  get isFarAhead(): boolean {
    return this.order === "ascending" && this.#cursor.isFarAhead;
  }

  /** Meets an item; true if it is done. One that failed before is not. */
  meet(key: Key): boolean {
    const isDone = this.order === "ascending" ? this.#cursor.meet(key) : this.#keys.has(key);
    return isDone && !this.failed.has(key);
  }

  done(key: Key): void {
    this.doneCount++;
    this.failed.delete(key);
    if (this.order === "ascending") this.#cursor.done(key);
    else this.#keys.add(key);
  }

  /** A cursor passes over it; a set of keys just does not have it. */
  fail(key: Key): void {
    this.failed.add(key);
    if (this.order === "ascending") this.#cursor.done(key);
  }

  /** Makes the files that belong to the state of now. */
  members(write: (content: Uint8Array) => Promise<Member>): Promise<readonly Member[]> {
    return this.#keys.members(write);
  }

  /** The state of now. */
  state(finished: boolean): ResumeState {
    const { order, doneCount: done } = this;
    const base = { resumable: 1, order, done, failed: [...this.failed], finished } as const;
    if (order === "any") return { ...base, recent: this.#keys.recent() };
    return { ...base, after: this.#cursor.after, above: this.#cursor.above() };
  }

  /** Takes over what was saved. */
  restore(state: unknown, header: Header | undefined, contents: readonly Uint8Array[], path: string): ResumeState {
    if (!isResumeState(state)) {
      const what = "the state of the checkpoint is not that of a resumable job: choose another path for this job";
      throw new HoldfastError("SCHEMA_MISMATCH", { what, path, details: { issues: [] } });
    }
    if (state.order !== this.order)
      throw new RangeError(
        `option order must be "${state.order}", as it was when the job began, or the job begun anew with fresh`,
      );
    this.doneCount = state.done;
    for (const key of state.failed) this.failed.add(key);
    this.#keys.restore(state.recent ?? [], header?.members ?? [], contents);
    this.#cursor.restore(state.after, state.above ?? []);
    return state;
  }
}

function isResumeState(state: unknown): state is ResumeState {
  const { resumable, order, done, failed } = Object(state) as Partial<Record<keyof ResumeState, unknown>>;
  return resumable === 1 && (order === "any" || order === "ascending") && Number.isSafeInteger(done) && Array.isArray(failed);
}
