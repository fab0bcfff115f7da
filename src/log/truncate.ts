/** Removing the oldest records. Needs the log's lock, and {@link takeOver} before it. */
import { encodeHead, HEAD_NAME, segmentName } from "../format/log-files.ts";
import type { HeldLock } from "../io/io.ts";
import { close, type Program, quietly, unlink } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { corrupt, openSegment, readHead, replaceWhole, segmentsIn } from "./files.ts";
import { type Owned, takeOver } from "./owner.ts";

/** What {@link truncateLog} has done. */
export interface Truncated {
  /** The oldest position that can be read now. */
  readonly first: number;
}

/**
 * Removes all records before a position. That they are gone is durable before the first segment goes, so no crash leaves a
 * hole; segments that a crash leaves are removed by the next call. The newest segment stays: it has the next position.
 */
export function* truncateLog(owned: Owned, lock: HeldLock, before: number): Program<Truncated> {
  const { mark, open } = yield* takeOver(owned, lock);
  const { dir } = owned;
  if (before > mark.next) throw new RangeError(`position ${before} is beyond the end of the log, ${mark.next}`);
  const head = yield* readHead(dir);
  const first = Math.max(before, head?.first ?? 0);
  let oldest = open.header;
  while (oldest.first > first && oldest.previous.segment !== 0 && oldest.segment > (head?.segment ?? 0)) {
    const found = yield* openSegment(dir, oldest.previous.segment, "read");
    if (!found) throw corrupt("a segment is missing", pathIn(dir, segmentName(oldest.previous.segment)));
    yield* quietly(close(found.file));
    oldest = found.header;
  }
  if (head?.first !== first) yield* replaceWhole(dir, HEAD_NAME, encodeHead({ segment: oldest.segment, first }));
  for (const segment of yield* segmentsIn(dir)) if (segment < oldest.segment) yield* unlink(pathIn(dir, segmentName(segment)));
  return { first };
}
