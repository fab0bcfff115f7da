/** One batch: the records of many callers, one write and one sync. Needs the log's lock, and {@link takeOver} before it. */
import { unlessApplied } from "../core/journal.ts";
import { writeSource } from "../core/write.ts";
import { encodeBatch } from "../format/log.ts";
import { close, commit, type Program, quietly, syncFile, truncate } from "../io/program.ts";
import { beginSegment, type Owned, type Tail, takeOver, tellReaders } from "./owner.ts";

/** The records to append, and when a segment is full. */
export interface Batch {
  readonly records: readonly Uint8Array[];
  readonly segmentBytes: number;
}

/**
 * Appends the batch and makes it durable. Returns the position of its first record; the others follow.
 *
 * After a failed write the segment is cut to what it was, and nothing was changed if that is durable. A failed sync is the end
 * of this segment: `owned.clean` stays false, and the next owner begins another.
 */
export function* appendBatch(owned: Owned, died: boolean, { records, segmentBytes }: Batch): Program<number> {
  let tail = yield* takeOver(owned, died);
  const { length } = encodeBatch(records, tail.mark, 0).bytes;
  if (tail.mark.length + length > segmentBytes && tail.mark.next > tail.open.header.first) tail = yield* roll(owned, tail);
  const from = tail.mark;
  const { bytes, mark } = encodeBatch(records, from, from.length);
  owned.clean = false;
  yield* commit(writeBatch(owned, tail, bytes), () => syncFile(tail.open.file));
  tail.mark = mark;
  yield* quietly(tellReaders(owned)); // the records are durable; if nobody is told, the next owner finds them
  return from.next;
}

function* roll(owned: Owned, full: Tail): Program<Tail> {
  owned.clean = false;
  const { mark, open } = full;
  owned.tail = yield* beginSegment(owned.dir, mark.segment + 1, mark, []);
  yield* quietly(close(open.file));
  yield* tellReaders(owned);
  return owned.tail;
}

function* writeBatch(owned: Owned, { open, mark }: Tail, bytes: Uint8Array): Program<void> {
  try {
    yield* writeSource(open.file, bytes, mark.length);
  } catch (first) {
    const cut = function* (): Program<void> {
      yield* truncate(open.file, mark.length);
      yield* syncFile(open.file);
      owned.clean = true;
    };
    yield* unlessApplied(first, cut());
  }
}
