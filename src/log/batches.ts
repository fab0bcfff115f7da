/** Group commit: the records of all who append at once, committed together. */
import { FRAME_BYTES } from "../format/log.ts";
import { BATCH_BYTES } from "../util/limits.ts";

interface Pending {
  readonly record: Uint8Array;
  readonly resolve: (position: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Gives the records of a batch, once they are to be written. */
export type Take = () => readonly Uint8Array[];

/** Commits what `take` gives, which is asked for as late as possible; returns the position of the first record. */
export interface Commit {
  readonly async: (take: Take) => Promise<number>;
  readonly sync: (take: Take) => number;
}

/** The records that wait, in the order of the calls, and the one batch that is under way. */
export class Batches {
  readonly #commit: Commit;
  readonly #waiting: Pending[] = [];
  #running: Promise<void> | undefined;

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  /** The position of the record, once it is committed. */
  append(record: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** The same at once, behind all that wait. */
  appendSync(record: Uint8Array): number {
    let position: number | undefined;
    const resolve = (given: number): void => {
      position = given;
    };
    const own: Pending = { record, resolve, reject: () => {} };
    this.#waiting.push(own);
    while (position === undefined) {
      const batch = new Batch(() => this.#take());
      try {
        batch.resolve(this.#commit.sync(batch.take));
      } catch (error) {
        const at = this.#waiting.indexOf(own);
        if (at >= 0) this.#waiting.splice(at, 1); // the others wait on
        batch.reject(error);
        throw error;
      }
    }
    return position;
  }

  /** When nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #drain(): Promise<void> {
    await undefined; // so that all who append in one go are in one batch
    while (this.#waiting.length > 0) {
      const batch = new Batch(() => this.#take());
      try {
        batch.resolve(await this.#commit.async(batch.take));
      } catch (error) {
        batch.take(); // if nothing was: the lock was not to be had
        batch.reject(error);
      }
    }
    this.#running = undefined;
  }

  #take(): readonly Pending[] {
    let count = 0;
    for (let bytes = 0; count < this.#waiting.length && bytes < BATCH_BYTES; count++)
      bytes += FRAME_BYTES + (this.#waiting[count]?.record.length ?? 0);
    return this.#waiting.splice(0, count);
  }
}

/** One batch: whoever is in it is told the same. */
class Batch {
  readonly #next: () => readonly Pending[];
  #taken: readonly Pending[] | undefined;

  constructor(next: () => readonly Pending[]) {
    this.#next = next;
  }

  readonly take: Take = () => {
    this.#taken ??= this.#next();
    return this.#taken.map(({ record }) => record);
  };

  resolve(first: number): void {
    for (const [index, { resolve }] of (this.#taken ?? []).entries()) resolve(first + index);
  }

  reject(error: unknown): void {
    for (const { reject } of this.#taken ?? []) reject(error);
  }
}
