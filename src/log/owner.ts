/**
 * The end of the log, for the process that has the log's lock: `docs/format/log.md`, "Taking over".
 *
 * `clean` says that the next owner finds everything as the hint says. It is false from before the first change until all is
 * durable and the hint is written; who gives the lock back meanwhile does so as if it had died.
 */
import { writeSource } from "../core/write.ts";
import { errnoOf } from "../errors.ts";
import {
  decodeHeader,
  durableByLaterBatches,
  encodeBatch,
  encodeHeader,
  HEADER_BYTES,
  type Mark,
  type SegmentHeader,
} from "../format/log.ts";
import { encodeHint, HINT_NAME, segmentName } from "../format/log-files.ts";
import type { File } from "../io/io.ts";
import { cleanUp, close, open, type Program, quietly, random, statFile, unlink } from "../io/program.ts";
import { LOG_READ_BYTES } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import {
  corrupt,
  type OpenSegment,
  openSegment,
  publishWhole,
  readAt,
  readHead,
  readHint,
  scanStretch,
  segmentsIn,
} from "./files.ts";

/** What a process remembers of a log between two batches. */
export interface Owned {
  readonly dir: string;
  tail: Tail | undefined;
  hint: File | undefined;
  clean: boolean;
}

/** The newest segment, open, and where its frames end. All of it is durable. */
export interface Tail {
  readonly open: OpenSegment;
  mark: Mark;
}

const EPOCH_BYTES = 8;
const NO_MARK: Mark = { segment: 0, epoch: 0n, length: 0, chain: 0, next: 0 };
/** Longer than a batch's own frame, so that one on the edge of two pieces is in one of them. */
const OVERLAP_BYTES = 64;

/**
 * Finds the end of the log, and makes sure that it can be appended to. Needs the log's lock.
 *
 * @param died Whether the last owner has died, or given the lock back like that: then nobody knows what of its segment is on
 *   the disk, whatever can be read, and a new segment begins.
 * @throws {HoldfastError} CORRUPT_LOG.
 */
export function* takeOver(owned: Owned, died: boolean): Program<Tail> {
  owned.clean = false;
  const hint = yield* readHint(owned.dir);
  const { tail } = owned;
  if (tail && !died && hint?.epoch === tail.mark.epoch && (yield* statFile(tail.open.file)).sizeBytes === hint.length) {
    tail.mark = hint;
    owned.clean = true;
    return tail;
  }
  yield* leave(owned);
  const found = yield* findTail(owned.dir, hint, died);
  owned.tail = found;
  yield* tellReaders(owned);
  return found;
}

/** Closes what is open of the log. */
export function* leave(owned: Owned): Program<void> {
  const { tail, hint } = owned;
  owned.tail = undefined;
  owned.hint = undefined;
  if (tail) yield* quietly(close(tail.open.file));
  if (hint !== undefined) yield* quietly(close(hint));
}

function* findTail(dir: string, hint: Mark | undefined, died: boolean): Program<Tail> {
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
    if (!died && end.whole) {
      kept = true;
      return { open: opened, mark: end.mark };
    }
    const next = yield* succeed(dir, opened, end, died);
    yield* quietly(close(opened.file));
    kept = true;
    return next;
  } catch (first) {
    if (!kept) yield* cleanUp(() => close(opened.file));
    throw first;
  }
}

interface End {
  readonly mark: Mark;
  /** So much is known to have been durable. */
  readonly durable: number;
  /** Whether nothing lies beyond. */
  readonly whole: boolean;
}

/** Where the frames of the newest segment end: at the first that does not fit, if nothing says that it was durable. */
function* endOf({ header, start, file, path }: OpenSegment, hint: Mark | undefined): Program<End> {
  const { sizeBytes } = yield* statFile(file);
  const { mark, whole, durable: attested } = yield* scanStretch(file, start, sizeBytes);
  const hinted = hint?.epoch === header.epoch ? hint.length : 0;
  const durable = Math.max(header.durable, attested, hinted);
  const later = whole ? 0 : yield* durableLater(file, mark, sizeBytes);
  if (Math.max(durable, later) > mark.length) throw corrupt("a frame that was durable does not fit", path, mark);
  return { mark, durable, whole };
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
function* succeed(dir: string, old: OpenSegment, end: End, died: boolean): Program<Tail> {
  // Nothing was ever appended, so the name of this segment may not be durable (its directory's sync failed, or was not
  // come to), and no later sync makes it so. The new one takes its place.
  const replaces = died && end.whole && end.mark.length === old.header.durable;
  const records: Uint8Array[] = [];
  const upTo = replaces ? old.start.length : end.durable;
  const known = yield* scanStretch(old.file, old.start, upTo);
  if (!known.whole) throw corrupt("no frame ends where the durable part does", old.path, known.mark);
  yield* scanStretch(old.file, known.mark, end.mark.length, (_, record) => records.push(record));
  const previous = replaces ? old.header.previous : known.mark;
  const next = yield* beginSegment(dir, old.header.segment + 1, previous, records);
  if (replaces) yield* quietly(unlink(old.path));
  return next;
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
  if (whole) return { open: opened, mark };
  yield* cleanUp(() => close(opened.file));
  throw corrupt("a new segment does not read as it was written", opened.path, mark);
}

function contentOf(header: SegmentHeader, records: readonly Uint8Array[]): Uint8Array {
  if (records.length === 0) return new Uint8Array();
  const start = decodeHeader(encodeHeader(header), "")?.start ?? NO_MARK;
  return encodeBatch(records, start, HEADER_BYTES).bytes;
}

/** Leaves for readers, and for the next owner, how far the log is durable. Then all is as the next owner expects it. */
export function* tellReaders(owned: Owned): Program<void> {
  if (!owned.tail) return;
  owned.hint ??= yield* openHint(owned.dir);
  yield* writeSource(owned.hint, encodeHint(owned.tail.mark), 0);
  owned.clean = true;
}

function* openHint(dir: string): Program<File> {
  const path = pathIn(dir, HINT_NAME);
  try {
    return yield* open(path, "edit");
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  // Closed and opened again: on Windows who makes a file has it alone.
  yield* close(yield* open(path, "create"));
  return yield* open(path, "edit");
}
