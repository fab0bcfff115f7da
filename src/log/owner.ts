/**
 * The end of the log, for the process that has the log's lock: `docs/format/log.md`, "Taking over".
 *
 * Who changes a segment, or begins another, makes it longer first, and says last, in the hint, how long it is. So the length tells
 * whoever comes next that nothing has happened; that others have appended, if the hint says so; or that somebody died, or
 * could not make it durable, in between.
 */
import {
  decodeHeader,
  durableByLaterBatches,
  encodeBatch,
  encodeHeader,
  HEADER_BYTES,
  type Mark,
  type Room,
  type SegmentHeader,
} from "../format/log.ts";
import { decodeHint, encodeHint, type Hint, LOG_LOCK_NAME, segmentName } from "../format/log-files.ts";
import type { File, HeldLock } from "../io/io.ts";
import {
  cleanUp,
  close,
  endsBy,
  type Program,
  quietly,
  random,
  readLockNote,
  statFile,
  syncData,
  truncate,
  unlink,
  writeLockNote,
} from "../io/program.ts";
import { LOG_READ_BYTES } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { corrupt, type OpenSegment, openSegment, publishWhole, readAt, readHead, scanStretch, segmentsIn } from "./files.ts";

/** What a process remembers of a log between two batches. */
export interface Owned {
  readonly dir: string;
  /** This run of the system, as hints have it. */
  readonly boot: string;
  tail: Tail | undefined;
  /** For the bytes of a batch. */
  readonly room: Room;
}

/** The newest segment, open, and where its frames end. */
export interface Tail {
  readonly open: OpenSegment;
  mark: Mark;
  /** So much of it is durable. */
  durable: number;
}

const EPOCH_BYTES = 8;
const NO_MARK: Mark = { segment: 0, epoch: 0n, length: 0, chain: 0, next: 0 };
/** Longer than a batch's own frame, so that one on the edge of two pieces is in one of them. */
const OVERLAP_BYTES = 64;

/**
 * Finds the end of the log, and makes sure that it can be appended to. Needs the log's lock.
 *
 * Where the newest segment is not as the hint says, nobody knows what of it is on the disk, whatever can be read: a new one begins.
 *
 * @throws {HoldfastError} CORRUPT_LOG.
 */
export function* takeOver(owned: Owned, lock: HeldLock): Program<Tail> {
  const { tail, dir } = owned;
  if (tail && (yield* endsBy(tail.open.file, tail.mark.length))) return tail;
  const hint = decodeHint(yield* readLockNote(pathIn(dir, LOG_LOCK_NAME)));
  const isOther =
    tail !== undefined && hint !== undefined && hint.mark.epoch === tail.mark.epoch && hint.mark.length > tail.mark.length;
  if (isOther && (yield* endsBy(tail.open.file, hint.mark.length))) {
    tail.mark = hint.mark;
    tail.durable = hint.durable;
    return tail;
  }
  yield* leave(owned);
  const found = yield* findTail(dir, hint);
  owned.tail = found;
  yield* tellNext(owned, lock);
  return found;
}

/** Closes what is open of the log. */
export function* leave(owned: Owned): Program<void> {
  const { tail } = owned;
  owned.tail = undefined;
  if (tail) yield* quietly(close(tail.open.file));
}

function* findTail(dir: string, hint: Hint | undefined): Program<Tail> {
  const newest = (yield* segmentsIn(dir)).at(-1);
  if (newest === undefined) {
    if (yield* readHead(dir)) throw corrupt("all its segments are missing", dir);
    return yield* beginSegment(dir, 1, NO_MARK, []);
  }
  const opened = yield* openSegment(dir, newest, "edit");
  if (!opened) throw corrupt("a segment vanished while the log was locked", dir);
  let kept = false;
  try {
    const end = yield* endOf(opened, hint);
    if (hint && isEnd(hint, end)) {
      kept = true;
      return { open: opened, mark: end.mark, durable: end.durable };
    }
    const next = yield* succeed(dir, opened, end);
    yield* quietly(close(opened.file));
    kept = true;
    return next;
  } catch (first) {
    if (!kept) yield* cleanUp(() => close(opened.file));
    throw first;
  }
}

const isEnd = ({ mark }: Hint, { mark: found, whole }: End): boolean =>
  whole && mark.epoch === found.epoch && mark.length === found.length && mark.chain === found.chain;

interface End {
  readonly mark: Mark;
  /** So much is known to have been durable. */
  readonly durable: number;
  /** Whether nothing lies beyond. */
  readonly whole: boolean;
  readonly sizeBytes: number;
}

/** Where the frames of the newest segment end: at the first that does not fit, if nothing says that it was durable. */
function* endOf({ header, start, file, path }: OpenSegment, hint: Hint | undefined): Program<End> {
  const { sizeBytes } = yield* statFile(file);
  const { mark, whole, durable: attested } = yield* scanStretch(file, start, sizeBytes);
  const hinted = hint?.mark.epoch === header.epoch ? hint.durable : 0;
  const durable = Math.max(header.durable, attested, hinted);
  const later = whole ? 0 : yield* durableLater(file, mark, sizeBytes);
  if (Math.max(durable, later) > mark.length) throw corrupt("a frame that was durable does not fit", path, mark);
  return { mark, durable, whole, sizeBytes };
}

/** What batches beyond the first invalid frame say. */
function* durableLater(file: File, mark: Mark, sizeBytes: number): Program<number> {
  let durable = 0;
  for (let at = mark.length; at < sizeBytes; at += LOG_READ_BYTES) {
    const bytes = yield* readAt(file, at, LOG_READ_BYTES + OVERLAP_BYTES);
    durable = Math.max(durable, durableByLaterBatches(bytes, mark.epoch));
  }
  return durable;
}

/** A new segment after one that nobody may append to: what was not known to be durable is copied, and then it is. */
function* succeed(dir: string, old: OpenSegment, end: End): Program<Tail> {
  // Nothing was ever appended, so the name of this segment may not be durable (its directory's sync failed, or was not
  // come to), and no later sync makes it so. The new one takes its place.
  const replaces = end.mark.length === old.header.durable && (yield* isBlank(old.file, end));
  const records: Uint8Array[] = [];
  const upTo = replaces ? old.start.length : end.durable;
  const known = yield* scanStretch(old.file, old.start, upTo);
  if (!known.whole) throw corrupt("no frame ends where the durable part does", old.path, known.mark);
  yield* scanStretch(old.file, known.mark, end.mark.length, (_, record) => records.push(record));
  const previous = replaces ? old.header.previous : known.mark;
  yield* fence(old.file, end.sizeBytes);
  const next = yield* beginSegment(dir, old.header.segment + 1, previous, records);
  if (replaces) yield* quietly(unlink(old.path));
  return next;
}

/** Whether nothing but NULs lies beyond. */
function* isBlank(file: File, { mark, sizeBytes }: End): Program<boolean> {
  const byteCount = sizeBytes - mark.length;
  return byteCount <= LOG_READ_BYTES && (yield* readAt(file, mark.length, byteCount)).every((byte) => byte === 0);
}

/** Tells whoever has the segment open that it is not the newest any more, before it is not: it gets a length that nobody expects. */
export function* fence(file: File, sizeBytes: number): Program<void> {
  yield* truncate(file, sizeBytes + 1);
}

/** A new segment, durable with all that it begins with before it has its name. */
export function* beginSegment(dir: string, segment: number, previous: Mark, records: readonly Uint8Array[]): Program<Tail> {
  const drawn = yield* random(EPOCH_BYTES);
  const epoch = new DataView(drawn.buffer, drawn.byteOffset).getBigUint64(0, true);
  const about = { segment, epoch, first: previous.next, previous };
  // The header's own check is what the first frame goes on from, so the length of the frames is needed first.
  const lengthOf = (header: SegmentHeader): number => contentOf(header, records).length;
  const durable = HEADER_BYTES + lengthOf({ ...about, durable: 0 });
  const header = { ...about, durable };
  const bytes = Buffer.concat([encodeHeader(header), contentOf(header, records)]);
  yield* publishWhole(dir, segmentName(segment), bytes);
  const opened = yield* openSegment(dir, segment, "edit");
  if (!opened) throw corrupt("a new segment vanished", dir);
  const { mark, whole } = yield* scanStretch(opened.file, opened.start, durable);
  if (whole) return { open: opened, mark, durable };
  yield* cleanUp(() => close(opened.file));
  throw corrupt("a new segment does not read as it was written", opened.path, mark);
}

function contentOf(header: SegmentHeader, records: readonly Uint8Array[]): Uint8Array {
  if (records.length === 0) return new Uint8Array();
  const start = decodeHeader(encodeHeader(header), "")?.start ?? NO_MARK;
  return encodeBatch(records, start, HEADER_BYTES).bytes;
}

/** Makes all of the segment durable, if it is not. A failure is the end of it. */
export function* syncTail({ tail }: Owned): Program<void> {
  if (!tail || tail.durable === tail.mark.length) return;
  try {
    yield* syncData(tail.open.file);
  } catch (first) {
    yield* cleanUp(() => fence(tail.open.file, tail.mark.length));
    throw first;
  }
  tail.durable = tail.mark.length;
}

/** Says to readers, and to the next owner, how far the log goes. */
export function* tellNext({ tail, boot }: Owned, lock: HeldLock): Program<void> {
  if (tail) yield* writeLockNote(lock, encodeHint({ mark: tail.mark, durable: tail.durable, boot }));
}
