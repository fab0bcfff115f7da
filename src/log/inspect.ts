/** What a log consists of, without reading all of it. */
import { segmentName } from "../format/log-files.ts";
import { close, ensure, type Program, statFile } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { corrupt, type OpenSegment, openSegment, readHead } from "./files.ts";
import { closeCursor, openCursor, readMore } from "./read.ts";
import { findSnapshot } from "./snapshot.ts";

/** One file of a log. */
export interface SegmentStat {
  readonly name: string;
  /** Position of its first record, and of the first behind it. */
  readonly first: number;
  readonly next: number;
  readonly sizeBytes: number;
  /** So many of them count. What lies beyond was never acknowledged, or is in the next segment. */
  readonly countedBytes: number;
}

/** What {@link Log.stat} tells. */
export interface LogStat {
  /** The oldest position that can be read. */
  readonly first: number;
  /** The position of the next record. */
  readonly next: number;
  /** All bytes that count. */
  readonly countedBytes: number;
  /** Oldest first. */
  readonly segments: readonly SegmentStat[];
  readonly snapshot: { readonly position: number; readonly sizeBytes: number } | undefined;
}

/** Opens each segment, and reads the newest. */
export function* statLog(dir: string): Program<LogStat> {
  const { segment: oldest = 0, first = 0 } = (yield* readHead(dir)) ?? {};
  const newest = yield* newestIn(dir);
  const segments: SegmentStat[] = [newest];
  for (let { previous, segment } = newest; previous.segment !== 0 && segment > oldest; ) {
    const path = pathIn(dir, segmentName(previous.segment));
    const opened = yield* openSegment(dir, previous.segment, "read");
    if (!opened) throw corrupt("a segment is missing", path);
    const { length: countedBytes, next } = previous;
    segments.unshift({ ...(yield* ensure(factsOf(opened), () => close(opened.file))), next, countedBytes });
    ({ previous, segment } = opened.header);
  }
  const snapshot = yield* findSnapshot(dir);
  return {
    first: Math.max(first, segments[0]?.first ?? 0),
    next: newest.next,
    countedBytes: segments.reduce((sum, { countedBytes }) => sum + countedBytes, 0),
    segments: segments.map(({ name, first, next, sizeBytes, countedBytes }) => ({ name, first, next, sizeBytes, countedBytes })),
    snapshot: snapshot && { position: snapshot.position, sizeBytes: snapshot.sizeBytes },
  };
}

type Newest = SegmentStat & Pick<OpenSegment["header"], "previous" | "segment">;

function* newestIn(dir: string): Program<Newest> {
  const cursor = yield* openCursor(dir, Number.MAX_SAFE_INTEGER);
  const toEnd = function* (): Program<Newest> {
    while (yield* readMore(cursor));
    const { segment, mark } = cursor;
    const facts = yield* factsOf(segment);
    const { previous, segment: number } = segment.header;
    return { ...facts, next: mark.next, countedBytes: mark.length, previous, segment: number };
  };
  return yield* ensure(toEnd(), () => closeCursor(cursor));
}

function* factsOf({ header, file }: OpenSegment): Program<Pick<SegmentStat, "first" | "name" | "sizeBytes">> {
  return { name: segmentName(header.segment), first: header.first, sizeBytes: (yield* statFile(file)).sizeBytes };
}
