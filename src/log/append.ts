/** One batch: the records of many callers, one write and one sync. Needs the log's lock. */
import { unlessApplied } from "../core/journal.ts";
import { writeSource } from "../core/write.ts";
import { batchLength, encodeBatch } from "../format/log.ts";
import type { HeldLock } from "../io/io.ts";
import { cleanUp, close, commit, type Program, quietly, syncData, truncate } from "../io/program.ts";
import { beginSegment, fence, type Owned, syncTail, type Tail, takeOver, tellNext } from "./owner.ts";

/** The records to append, and when a segment is full. */
export interface Batch {
  readonly records: readonly Uint8Array[];
  readonly segmentBytes: number;
  /** Whether they are durable in the end. */
  readonly sync: boolean;
}

/**
 * Appends the batch and makes it durable. Returns the position of its first record; the others follow.
 *
 * After a failed write the segment is cut to what it was, and nothing was changed if that is durable. A failed sync is the end
 * of this segment: its length is not what the hint says, so the next owner begins another.
 */
export function* appendBatch(owned: Owned, lock: HeldLock, { records, segmentBytes, sync }: Batch): Program<number> {
  let tail = yield* takeOver(owned, lock);
  const { mark: end, open } = tail;
  if (end.length + batchLength(records) > segmentBytes && end.next > open.header.first) tail = yield* roll(owned, lock, tail);
  const from = tail.mark;
  const { bytes, mark } = encodeBatch(records, from, tail.durable, owned.room);
  yield* commit(writeBatch(tail, bytes), () => syncIf(sync, tail));
  tail.mark = mark;
  if (sync) tail.durable = mark.length;
  yield* tellNext(owned, lock); // if this fails, the records are durable all the same, and readers see them with the next batch
  return from.next;
}

function* syncIf(sync: boolean, { open }: Tail): Program<void> {
  if (sync) yield* syncData(open.file);
}

/** A new segment behind one that is full. */
function* roll(owned: Owned, lock: HeldLock, full: Tail): Program<Tail> {
  const { mark, open } = full;
  try {
    yield* syncTail(owned);
    owned.tail = undefined;
    yield* fence(open.file, mark.length);
    owned.tail = yield* beginSegment(owned.dir, mark.segment + 1, mark, []);
  } catch (first) {
    owned.tail = undefined;
    yield* cleanUp(() => close(open.file));
    throw first;
  }
  yield* quietly(close(open.file));
  yield* tellNext(owned, lock);
  return owned.tail;
}

function* writeBatch({ open: { file }, mark: { length } }: Tail, bytes: Uint8Array): Program<void> {
  try {
    yield* writeSource(file, bytes, length);
  } catch (first) {
    yield* unlessApplied(first, cutTo(length, file));
  }
}

/** If the cut is not durable, the length is left wrong, by which the next owner knows. */
function* cutTo(length: number, file: Tail["open"]["file"]): Program<void> {
  yield* truncate(file, length);
  try {
    yield* syncData(file);
  } catch (first) {
    yield* cleanUp(() => fence(file, length));
    throw first;
  }
}
