/** Reading, without any lock: never beyond what is known to be durable, and never past damage. */
import { HoldfastError } from "../errors.ts";
import type { Mark } from "../format/log.ts";
import { bootOf, decodeHint, LOG_LOCK_NAME } from "../format/log-files.ts";
import { close, fileSystem, type Program, quietly, readLockNote, statFile, traits } from "../io/program.ts";
import { LOG_LOOKS_MAX } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { corrupt, type OpenSegment, openSegment, readHead, scanPiece, scanStretch, segmentsIn } from "./files.ts";

/** One record, and where it is. */
export interface LogRecord {
  readonly position: number;
  /** Part of a larger buffer: copy what is kept for long. */
  readonly bytes: Uint8Array;
}

/** Where a reader is. */
export interface Cursor {
  readonly dir: string;
  /** Records before it are passed over. */
  from: number;
  /** Open for as long as it is read. */
  segment: OpenSegment;
  mark: Mark;
  /** So much of the segment counts, as far as the reader knows. */
  limit: number;
  /** This run of the system, as hints have it; undefined where a hint does not tell whether it is of this run. */
  readonly boot: string | undefined;
  /** So many bytes were read. */
  readBytes: number;
}

/** Begins to read at a position; undefined: at the oldest. */
export function* openCursor(dir: string, from: number | undefined): Program<Cursor> {
  const { boot } = yield* traits();
  const known = boot !== undefined && (yield* fileSystem(dir)).local;
  const { first, segment } = yield* locate(dir, from);
  const { start: mark, header } = segment;
  return { dir, from: from ?? first, segment, mark, limit: header.durable, boot: known ? bootOf(boot) : undefined, readBytes: 0 };
}

/** Looks again where segments were removed between two looks. */
function* locate(dir: string, from: number | undefined): Program<{ first: number; segment: OpenSegment }> {
  for (let look = 0; look < LOG_LOOKS_MAX; look++) {
    const head = yield* readHead(dir);
    const { first = 0, segment: oldest = 0 } = head ?? {};
    if (from !== undefined && from < first) {
      const what = `records before position ${first} were removed from the log`;
      throw new HoldfastError("NOT_FOUND", { what, path: dir, details: { first } });
    }
    const newest = (yield* segmentsIn(dir)).at(-1);
    if (newest === undefined) throw new HoldfastError("NOT_FOUND", { what: "there is no log in the directory", path: dir });
    const isMeant = ({ header }: OpenSegment): boolean =>
      header.first <= (from ?? first) || header.segment <= oldest || header.previous.segment === 0;
    const segment = yield* walkBack(dir, newest, isMeant);
    if (segment) return { first, segment };
  }
  throw corrupt("a segment is missing", dir);
}

/** From a segment to the one before it, until one is meant; undefined if one is not there. */
function* walkBack(dir: string, newest: number, isMeant: (segment: OpenSegment) => boolean): Program<OpenSegment | undefined> {
  let opened = yield* openSegment(dir, newest, "read");
  while (opened && !isMeant(opened)) {
    yield* quietly(close(opened.file));
    opened = yield* openSegment(dir, opened.header.previous.segment, "read");
  }
  return opened;
}

/** Ends reading. */
export function* closeCursor({ segment }: Cursor): Program<void> {
  yield* close(segment.file);
}

/**
 * The next records, none if the piece that was read has none from `from` on; undefined at the end of what is durable now.
 *
 * @throws {HoldfastError} CORRUPT_LOG, once all before the damage was given.
 */
export function* readMore(cursor: Cursor): Program<readonly LogRecord[] | undefined> {
  while (cursor.mark.length === cursor.limit) if (!(yield* advance(cursor))) return undefined;
  const { segment, mark, limit, from } = cursor;
  const records: LogRecord[] = [];
  const scanned = yield* scanPiece(segment.file, mark, limit, (position, bytes) => {
    if (position >= from) records.push({ position, bytes });
  });
  if (scanned.mark.length === mark.length) throw corrupt("a frame that was durable does not fit", segment.path, mark);
  cursor.mark = scanned.mark;
  cursor.readBytes += scanned.mark.length - mark.length;
  return records;
}

/** Learns of more that is durable, in this segment or in a later one. */
function* advance(cursor: Cursor): Program<boolean> {
  const { dir, mark, boot } = cursor;
  const note = yield* readLockNote(pathIn(dir, LOG_LOCK_NAME));
  const hint = decodeHint(note);
  const isPast = boot !== undefined && hint?.boot !== boot;
  if (hint?.mark.epoch === mark.epoch) {
    const more = hint.mark.length > mark.length;
    if (more) cursor.limit = hint.mark.length;
    if (more || !isPast) return more;
  }
  const successor = yield* successorOf(dir, mark);
  if (successor === "elsewhere") return yield* relocate(cursor);
  if (successor) return yield* goOn(cursor, successor);
  // The hint is of another time: after a power loss, until somebody takes over. What batches say of those before them holds;
  // and where nobody has written since the system was started, all that can be read came from the disk.
  const { file } = cursor.segment;
  const { durable, mark: end } = yield* scanStretch(file, mark, (yield* statFile(file)).sizeBytes);
  const isQuiet = isPast && (yield* readLockNote(pathIn(dir, LOG_LOCK_NAME))) === note;
  const limit = isQuiet ? end.length : durable;
  if (limit <= mark.length) return false;
  cursor.limit = limit;
  return true;
}

/** The segment that follows one; `elsewhere`: there are later ones, which follow another. */
function* successorOf(dir: string, { segment, epoch }: Mark): Program<OpenSegment | "elsewhere" | undefined> {
  const follows = ({ header: { previous } }: OpenSegment): boolean => previous.segment === segment && previous.epoch === epoch;
  const next = yield* openSegment(dir, segment + 1, "read");
  if (next && follows(next)) return next;
  if (next) yield* quietly(close(next.file));
  const newest = (yield* segmentsIn(dir)).at(-1) ?? 0;
  if (newest <= segment) return undefined;
  const found = yield* walkBack(dir, newest, ({ header }) => header.previous.segment <= segment);
  if (found && follows(found)) return found;
  if (found) yield* quietly(close(found.file));
  return "elsewhere";
}

/** Reads on to where the successor says that this segment ends, and from there in the successor. */
function* goOn(cursor: Cursor, successor: OpenSegment): Program<boolean> {
  const { segment, mark } = cursor;
  const { previous } = successor.header;
  if (previous.length === mark.length && previous.chain === mark.chain && previous.next === mark.next) {
    cursor.segment = successor;
    cursor.mark = successor.start;
    cursor.limit = successor.header.durable;
    yield* quietly(close(segment.file));
    return true;
  }
  yield* quietly(close(successor.file));
  if (previous.length <= mark.length) throw corrupt("a segment ends elsewhere than the next one says", segment.path, mark);
  cursor.limit = previous.length;
  return true;
}

/** This segment was replaced by one with the same records: finds the next record there. */
function* relocate(cursor: Cursor): Program<boolean> {
  const old = cursor.segment;
  const { next } = cursor.mark;
  const { segment } = yield* locate(cursor.dir, next);
  if (segment.header.epoch === old.header.epoch) {
    yield* quietly(close(segment.file));
    throw corrupt("the segment that follows is missing", old.path, cursor.mark);
  }
  cursor.from = Math.max(cursor.from, next);
  cursor.segment = segment;
  cursor.mark = segment.start;
  cursor.limit = segment.header.durable;
  yield* quietly(close(old.file));
  return true;
}
