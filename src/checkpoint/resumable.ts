import type { Key } from "./done-keys.ts";
import { jobOf, type ResumableOptions, type ResumeResult } from "./resume-options.ts";
import { Work } from "./work.ts";

/** What a handler is told beside its item. */
export interface ItemContext {
  readonly key: Key;
  /** That of the job: it need not be heeded, the job then waits. */
  readonly signal: AbortSignal;
}

/**
 * Calls `handler` with each item of `source` that is not done yet, and saves which ones are: a job that was killed goes on where
 * it was when it is called again.
 *
 * Guarantee: **at least once.** An item counts as done when its handler has returned and that was saved; after a crash at most
 * `every.items` items, and those that were under way, are done again, so a handler must be one that may do its work twice. No item is left out: what is done is
 * known by its key and not by its place, so items may be inserted, removed or reordered between two runs, also by the work itself.
 * A job that has come to its end stays done, and a further call does only what is new, or failed; to do all again, `clear` the
 * checkpoint or use `fresh`.
 *
 * Cost: a save for each `every.items` items or `every.ms` milliseconds, while which no item is begun. With order `"any"` 16 bytes
 * of memory for each done item, and the newest 1024 keys in each save; with `"ascending"` one key.
 *
 * @param source Any iterable; asked for the next item when there is room for one, and left (`return`) if the job stops.
 * @throws {TypeError} or {RangeError} A wrong option, or a key that is no text and no number, or not in order.
 * @throws {HoldfastError} As {@link Checkpoint.load} and {@link Checkpoint.save}: with `CORRUPT_CHECKPOINT` nothing is begun.
 *   `ABORTED` after a clean stop.
 * @throws What the source or the handler throws, after what is done was saved.
 * @example
 * const checkpoint = await Checkpoint.open("embed.checkpoint", { fingerprint: { model } });
 * await resumable(passages, { key: (passage) => passage.id, checkpoint, every: { items: 128 } }, async (passage) => {
 *   await store.put(passage.id, await embed(passage.text));
 * });
 * await checkpoint.close();
 */
export async function resumable<Item>(
  source: AsyncIterable<Item> | Iterable<Item>,
  options: ResumableOptions<Item>,
  handler: (item: Item, context: ItemContext) => unknown,
): Promise<ResumeResult> {
  const job = jobOf(options);
  const isIterable = Symbol.asyncIterator in Object(source) || Symbol.iterator in Object(source);
  if (!isIterable) throw new TypeError("source must be an iterable or an async iterable");
  if (typeof handler !== "function") throw new TypeError("handler must be a function");
  const work = new Work(source, job, handler);
  await work.begin();
  return await work.toEnd();
}
