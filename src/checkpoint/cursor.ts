/** How far a job is that meets its keys in ascending order: one key, and the few that are done above it. */
import { CURSOR_AHEAD_MAX } from "../util/limits.ts";
import type { Key } from "./done-keys.ts";

/** See above. All up to `after` is done. */
export class Cursor {
  after: Key | undefined;
  /** Done above {@link Cursor.after}, when it was saved. */
  readonly #above = new Set<Key>();
  /** Met in this run and above {@link Cursor.after}, in order, with whether it is done. */
  readonly #met = new Map<Key, boolean>();
  #newest: Key | undefined;

  /** Whether so many are done above one that is not that a run has to wait for that one. */
  get isFarAhead(): boolean {
    return this.#met.size >= CURSOR_AHEAD_MAX;
  }

  /** Meets the next key; true if it was done before. */
  meet(key: Key): boolean {
    const last = this.#newest;
    if (last !== undefined && !(typeof last === typeof key && last < key))
      throw new RangeError(
        `with order "ascending" each key must be greater than the one before; ${show(key)} comes after ${show(last)}`,
      );
    this.#newest = key;
    if (this.after !== undefined && typeof this.after === typeof key && key <= this.after) return true;
    this.#met.set(key, false);
    if (!this.#above.delete(key)) return false;
    this.done(key);
    return true;
  }

  done(key: Key): void {
    if (this.#met.has(key)) this.#met.set(key, true);
    for (const [next, isDone] of this.#met) {
      if (!isDone) break;
      this.#met.delete(next);
      this.after = next;
    }
  }

  /** What is done above {@link Cursor.after}. */
  above(): readonly Key[] {
    return [...this.#above, ...[...this.#met].filter(([, isDone]) => isDone).map(([key]) => key)];
  }

  /** Takes over what was saved. */
  restore(after: Key | undefined, above: readonly Key[]): void {
    this.after = after;
    for (const key of above) this.#above.add(key);
  }
}

const show = (key: Key): string => JSON.stringify(key);
