/** Group commit: the records of all who append at once, committed together. */
import { FRAME_BYTES } from "../format/log.ts";
import { BATCH_BYTES } from "../util/limits.ts";

interface Pending {
  readonly record: Uint8Array;
  readonly resolve: (position: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Commits what `take` gives, which is asked for as late as possible; returns the position of the first record. */
export type CommitBatch = (take: () => readonly Uint8Array[]) => Promise<number>;

/** The records that wait, in the order of the calls, and the one batch that is under way. */
export class Batches {
  readonly #commit: CommitBatch;
  readonly #waiting: Pending[] = [];
  #running: Promise<void> | undefined;

  constructor(commit: CommitBatch) {
    this.#commit = commit;
  }

  /** The position of the record, once it is durable. */
  append(record: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** When nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      let batch: readonly Pending[] = [];
      const take = (): readonly Uint8Array[] => {
        batch = this.#take();
        return batch.map(({ record }) => record);
      };
      try {
        const first = await this.#commit(take);
        for (const [index, { resolve }] of batch.entries()) resolve(first + index);
      } catch (error) {
        if (batch.length === 0) batch = this.#take(); // the lock was not to be had
        for (const { reject } of batch) reject(error);
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
