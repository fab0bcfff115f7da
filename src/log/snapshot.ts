/**
 * Snapshots: what an application has made of all records before a position, so that these may be removed.
 *
 * One is published as a whole under the name of its position; older ones are removed when that is durable. The newest counts.
 */
import { crc32 } from "node:zlib";
import { errnoOf } from "../errors.ts";
import {
  decodeSnapshotEnd,
  encodeSnapshotEnd,
  SNAPSHOT_END_BYTES,
  SNAPSHOT_NAMES,
  type SnapshotEnd,
  snapshotName,
  snapshotPosition,
} from "../format/log-files.ts";
import { type Chunk, type Cursor, type Source, toSource } from "../io/data.ts";
import type { File, HeldLock } from "../io/io.ts";
import { close, ensure, list, open, type Program, quietly, statFile, unlink } from "../io/program.ts";
import { LOG_LOOKS_MAX, LOG_READ_BYTES } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { corrupt, readAt, replaceWhole } from "./files.ts";
import { type Owned, syncTail, takeOver, tellNext } from "./owner.ts";

/** A snapshot that was found whole. */
export interface FoundSnapshot extends SnapshotEnd {
  readonly path: string;
}

/** Makes sure that the records before a position are there, and stay: a snapshot must not know more than the log. */
export function* settleBefore(owned: Owned, lock: HeldLock, position: number): Program<void> {
  const { mark } = yield* takeOver(owned, lock);
  if (position > mark.next) throw new RangeError(`position ${position} is beyond the end of the log, ${mark.next}`);
  const newest = (yield* positionsIn(owned.dir)).at(-1) ?? 0;
  if (position < newest) throw new RangeError(`there is a snapshot at position ${newest} already, later than ${position}`);
  yield* syncTail(owned);
  yield* tellNext(owned, lock);
}

/** Publishes a snapshot, and removes those before it. Returns the size of its content, and whether the directory was synced. */
export function* publishSnapshot(
  dir: string,
  position: number,
  source: Source,
): Program<{ readonly sizeBytes: number; readonly dirSynced: boolean }> {
  const { sizeBytes, dirSynced } = yield* replaceWhole(dir, snapshotName(position), sealed(source, position));
  // One that is newer, and published meanwhile, stays.
  for (const older of yield* positionsIn(dir)) if (older < position) yield* quietly(unlink(pathIn(dir, snapshotName(older))));
  return { sizeBytes: sizeBytes - SNAPSHOT_END_BYTES, dirSynced };
}

/** The source, and behind it what tells that it is whole. */
function sealed(source: Source, position: number): Cursor {
  const { next, leave } = source instanceof Uint8Array ? (toSource([source]) as Cursor) : source;
  let check = 0;
  let sizeBytes = 0;
  let ended = false;
  const seal = (chunk: Chunk): Chunk => {
    if (chunk === undefined) {
      ended = true;
      return encodeSnapshotEnd({ position, sizeBytes, check });
    }
    check = crc32(chunk, check);
    sizeBytes += chunk.length;
    return chunk;
  };
  return { next: { async: async () => (ended ? undefined : seal(await next.async())) }, leave };
}

/** The positions of all snapshots, in order. */
function* positionsIn(dir: string): Program<readonly number[]> {
  const names = (yield* list(dir)).map(({ name }) => name).filter((name) => SNAPSHOT_NAMES.test(name));
  return names.map(snapshotPosition).sort((a, b) => a - b);
}

/**
 * The newest snapshot, once all of it was read; undefined if there is none.
 *
 * @throws {HoldfastError} CORRUPT_LOG: it is damaged.
 */
export function* findSnapshot(dir: string): Program<FoundSnapshot | undefined> {
  for (let look = 0; look < LOG_LOOKS_MAX; look++) {
    const position = (yield* positionsIn(dir)).at(-1);
    if (position === undefined) return undefined;
    const path = pathIn(dir, snapshotName(position));
    try {
      const file = yield* open(path, "read");
      return yield* ensure(checkAll(file, path, position), () => close(file));
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error; // a newer one has come meanwhile
    }
  }
  throw corrupt("its snapshots vanish", dir);
}

function* checkAll(file: File, path: string, position: number): Program<FoundSnapshot> {
  const { sizeBytes: size } = yield* statFile(file);
  const from = Math.max(0, size - SNAPSHOT_END_BYTES);
  const end = decodeSnapshotEnd(yield* readAt(file, from, SNAPSHOT_END_BYTES));
  if (end?.position !== position || end.sizeBytes !== from) throw corrupt("the end of a snapshot", path);
  let check = 0;
  for (let at = 0; at < end.sizeBytes; at += LOG_READ_BYTES) check = crc32(yield* readPiece(file, end, at), check);
  if (check !== end.check) throw corrupt("a snapshot does not read as it was written", path);
  return { ...end, path };
}

/** A piece of the content. */
export function readPiece(file: File, { sizeBytes }: Pick<SnapshotEnd, "sizeBytes">, at: number): Program<Uint8Array> {
  return readAt(file, at, Math.min(LOG_READ_BYTES, sizeBytes - at));
}
