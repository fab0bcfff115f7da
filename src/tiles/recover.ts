/** What a writer makes sure of before it removes anything. */
import { type Program, syncDir } from "../io/program.ts";
import { type FoundGeneration, isMarked, mark, type Place, type Survey, survey } from "./generations.ts";

/** Versions that no index has ever named: without a mark, and not named now. */
export function unfinishedIn({ index, generations }: Survey): FoundGeneration[] {
  if (index === "damaged") return []; // one of them may be what it has named
  const named = typeof index === "object" ? index.directory : undefined;
  return generations.filter(({ name, markedMs }) => markedMs === undefined && name !== named);
}

/**
 * Makes sure of what the index says, under the lock. The last writer may have been killed between the commit and its barrier, so what
 * is seen may not be on the disk yet, and nothing is removed before it is.
 *
 * @returns What there is, and the generations that no index has ever named.
 */
export function* recover(place: Place): Program<{ readonly found: Survey; readonly unfinished: readonly FoundGeneration[] }> {
  yield* syncDir(place.dir);
  const found = yield* survey(place);
  const { index, generations } = found;
  const unfinished = unfinishedIn(found);
  const named = typeof index === "object" ? generations.find(({ name }) => name === index.directory) : undefined;
  if (typeof index !== "object" || !named || (yield* isMarked(named.path, index.manifestSha256))) return { found, unfinished };
  yield* mark(named.path, index.manifestSha256, true);
  return { found: yield* survey(place), unfinished };
}
