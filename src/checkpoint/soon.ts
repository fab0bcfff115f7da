/** States that are saved soon: one at a time, and of those that wait only the newest. */

/** Something that waits, with all who wait for it. */
class Waiting<T, R> {
  value: T;
  /** Something newer is saved in another way. */
  overtaken = false;
  readonly done: Promise<R>;
  resolve!: (result: R) => void;
  reject!: (error: unknown) => void;

  constructor(value: T) {
    this.value = value;
    this.done = new Promise<R>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.done.catch(() => {}); // whoever does not wait learns of it by the next flush
  }
}

/** See above. */
export class Soon<T, R> {
  readonly #save: (value: T) => Promise<R>;
  readonly #changed: () => void;
  #waiting: Waiting<T, R> | undefined;
  #running: Waiting<T, R> | undefined;
  #failed: { readonly value: T } | undefined;

  /** `changed` is called whenever there may be something to save, or nothing any more. */
  constructor(save: (value: T) => Promise<R>, changed: () => void) {
    this.#save = save;
    this.#changed = changed;
  }

  /** The newest value that is not known to be saved. */
  get unsaved(): { readonly value: T } | undefined {
    const running = this.#running?.overtaken ? undefined : this.#running;
    return this.#waiting ?? running ?? this.#failed;
  }

  /** Saves `value` once nothing else is being saved, unless a newer one comes before: the result is then that one's. */
  put(value: T): Promise<R> {
    this.#failed = undefined;
    if (this.#waiting) this.#waiting.value = value;
    else this.#waiting = new Waiting(value);
    const { done } = this.#waiting;
    this.#changed();
    if (!this.#running) void this.#drain();
    return done;
  }

  /** Something newer is saved in another way: what waits counts as saved when that is. */
  overtake(newer: Promise<R>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#failed = undefined;
    if (this.#running) this.#running.overtaken = true;
    if (waiting) newer.then(waiting.resolve, waiting.reject);
    this.#changed();
  }

  /** Waits until nothing is to be saved. What has failed is tried once more, and its error thrown. */
  async flush(): Promise<void> {
    const pending = this.#waiting ?? this.#running;
    if (pending) await pending.done.catch(() => {});
    if (this.#failed) await this.put(this.#failed.value);
  }

  async #drain(): Promise<void> {
    await undefined; // calls in a row are one
    for (let next = this.#waiting; next; next = this.#waiting) {
      this.#waiting = undefined;
      this.#running = next;
      try {
        next.resolve(await this.#save(next.value));
      } catch (error) {
        if (!this.#waiting && !next.overtaken) this.#failed = { value: next.value };
        next.reject(error);
      }
      this.#running = undefined;
    }
    this.#changed();
  }
}
