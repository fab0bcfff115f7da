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
  #draining = false;
  #failed: { readonly value: T } | undefined;
  /** The last that has overtaken what waited. */
  #newer: Promise<R> | undefined;

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
    const waiting = this.#waiting ?? new Waiting<T, R>(value);
    waiting.value = value;
    if (waiting !== this.#waiting) this.#wait(waiting);
    return waiting.done;
  }

  /** Something newer is saved in another way: what waits counts as saved when that is. If that fails, it is saved after all. */
  overtake(newer: Promise<R>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#failed = undefined;
    if (this.#running) this.#running.overtaken = true;
    this.#newer = newer;
    if (waiting) this.#follow(waiting, newer);
    this.#changed();
  }

  #follow(waiting: Waiting<T, R>, newer: Promise<R>): void {
    newer.then(waiting.resolve, () => {
      if (this.#newer && this.#newer !== newer) this.#follow(waiting, this.#newer);
      else if (this.#waiting) this.#waiting.done.then(waiting.resolve, waiting.reject);
      else this.#wait(waiting);
    });
  }

  #wait(waiting: Waiting<T, R>): void {
    this.#waiting = waiting;
    this.#changed();
    void this.#drain();
  }

  /** Waits until nothing is to be saved. What has failed is tried once more, and its error thrown. */
  async flush(): Promise<void> {
    await this.#newer?.catch(() => {}); // if it fails, what it has overtaken waits again
    const pending = this.#waiting ?? this.#running;
    if (pending) await pending.done.catch(() => {});
    if (this.#failed) await this.put(this.#failed.value);
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
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
    this.#draining = false;
    this.#changed();
  }
}
