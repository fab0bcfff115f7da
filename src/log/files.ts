/** The files of a log: how they come to be, and how they are opened and read. */
import { readWhole } from "../core/read.ts";
import { type Finish, type Replaced, replaceFile } from "../core/replace.ts";
import { checkSize, closeStage, createStage, withStage } from "../core/stage.ts";
import { writeSource } from "../core/write.ts";
import { errnoOf, HoldfastError, isHoldfastError } from "../errors.ts";
import { decodeHeader, HEADER_BYTES, type Mark, type ReadHeader, type Scanned, scanFrames } from "../format/log.ts";
import { decodeHead, HEAD_NAME, type Head, SEGMENT_NAMES, segmentName, segmentNumber } from "../format/log-files.ts";
import type { Source } from "../io/data.ts";
import type { File } from "../io/io.ts";
import { cleanUp, close, list, open, type Program, read, rename, syncDir, syncFile, traits } from "../io/program.ts";
import { HELD_BUDGET_ASYNC_MS, HELD_BUDGET_SYNC_MS, LOG_READ_BYTES } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";

const FINISH: Finish = {
  attributes: { mode: undefined, existing: undefined },
  syncFile: true,
  overtake: () => [],
  ifAbsent: false,
  barrier: true,
  heldBudgetMs: HELD_BUDGET_ASYNC_MS,
};

/** A segment that is open. */
export interface OpenSegment extends ReadHeader {
  readonly path: string;
  readonly file: File;
}

/** Damage below what was durable. */
export function corrupt(what: string, path: string, mark?: Mark): HoldfastError {
  const where = mark && { offset: mark.length, position: mark.next };
  const place = mark ? `, at byte ${mark.length}, where record ${mark.next} or what belongs to it should be` : "";
  return new HoldfastError("CORRUPT_LOG", { what: `the log is damaged: ${what}${place}`, path, details: { ...where } });
}

/** Makes a whole file durable and then gives it its name: who finds the name finds all of it. */
export function* publishWhole(dir: string, name: string, bytes: Uint8Array): Program<void> {
  const staged = yield* createStage(dir, undefined);
  const body = function* (): Program<void> {
    yield* writeSource(staged.file, bytes, 0);
    yield* syncFile(staged.file);
    yield* checkSize(staged, bytes.length);
    if (!(yield* traits()).replacesOpenFiles) yield* closeStage(staged);
    yield* rename(staged.path, pathIn(dir, name));
  };
  yield* withStage(staged, body());
  yield* syncDir(dir);
}

/** Replaces a file that is of one piece; its directory is synced where that can be. */
export function replaceWhole(dir: string, name: string, source: Source): Program<Replaced> {
  return replaceFile({ dir, path: pathIn(dir, name) }, source, FINISH);
}

/** The numbers of all segments, oldest first. */
export function* segmentsIn(dir: string): Program<readonly number[]> {
  const names = (yield* list(dir)).map(({ name }) => name).filter((name) => SEGMENT_NAMES.test(name));
  return names.map(segmentNumber).sort((a, b) => a - b);
}

/** Opens a segment; undefined if there is none of this number. */
export function* openSegment(dir: string, segment: number, access: "edit" | "read"): Program<OpenSegment | undefined> {
  const path = pathIn(dir, segmentName(segment));
  let file: File;
  try {
    file = yield* open(path, access);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const read = decodeHeader(yield* readAt(file, 0, HEADER_BYTES), path);
    if (read?.header.segment !== segment) throw corrupt("the header of a segment", path);
    return { ...read, path, file };
  } catch (first) {
    yield* cleanUp(() => close(file));
    throw first;
  }
}

/** So many bytes of a file, less at its end. */
export function* readAt(file: File, position: number, byteCount: number): Program<Uint8Array> {
  const bytes = new Uint8Array(byteCount);
  let done = 0;
  while (done < byteCount) {
    const count = yield* read(file, bytes.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

/** As {@link scanFrames}, of one piece of a segment that goes on to `upTo`: at least one frame, or it is not whole. */
export function* scanPiece(file: File, from: Mark, upTo: number, tell: Tell): Program<Scanned> {
  for (let want = LOG_READ_BYTES; ; ) {
    const byteCount = Math.min(want, upTo - from.length);
    const bytes = yield* readAt(file, from.length, byteCount);
    const scanned = scanFrames(bytes, from, tell);
    const { mark, rest } = scanned;
    if (rest === "invalid" || mark.length === upTo) return scanned;
    const { more } = rest;
    if (bytes.length < byteCount || mark.length + more > upTo) return { ...scanned, rest: "invalid" };
    if (mark.length > from.length) return scanned;
    want = more;
  }
}

/** Hears of each record. */
export type Tell = (position: number, record: Uint8Array) => void;

/** A stretch of a segment: up to where its frames fit, and what they say. */
export interface Stretch {
  readonly mark: Mark;
  readonly durable: number;
  /** Whether it went to its end. */
  readonly whole: boolean;
}

/** Goes through the frames from a mark to `upTo`, or to the first that does not fit. */
export function* scanStretch(file: File, from: Mark, upTo: number, tell: Tell = () => {}): Program<Stretch> {
  let mark = from;
  let durable = 0;
  while (mark.length < upTo) {
    const scanned: Scanned = yield* scanPiece(file, mark, upTo, tell);
    mark = scanned.mark;
    durable = Math.max(durable, scanned.durable);
    if (scanned.rest === "invalid") return { mark, durable, whole: false };
  }
  return { mark, durable, whole: true };
}

/** What was removed; undefined: nothing. */
export function* readHead(dir: string): Program<Head | undefined> {
  const path = pathIn(dir, HEAD_NAME);
  let bytes: Uint8Array;
  try {
    bytes = yield* readWhole(path, HELD_BUDGET_SYNC_MS);
  } catch (error) {
    if (isHoldfastError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
  const head = decodeHead(bytes);
  if (!head) throw corrupt("the record of where it begins", path);
  return head;
}
