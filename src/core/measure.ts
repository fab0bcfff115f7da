/** How much a person would lose or get back: the size of what was found. */

import { all, list, lstat, type Program } from "../io/program.ts";
import { MEASURED_FILES_MAX, TREE_BATCH } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";

/** A size, and whether there is more of it. */
export interface Measured {
  readonly sizeBytes: number;
  readonly hasMore: boolean;
}

/** The size of a file, or of all files below a directory. After so many files it is not counted any further. */
export function* measure(at: string): Program<Measured> {
  const found = yield* lstat(at);
  if (found?.kind !== "directory") return { sizeBytes: found?.sizeBytes ?? 0, hasMore: false };
  let [sizeBytes, count] = [0, 0];
  const dirs = [at];
  for (let dir = dirs.pop(); dir !== undefined; dir = dirs.pop()) {
    const entries = yield* list(dir);
    for (const { name, kind } of entries) if (kind === "directory") dirs.push(pathIn(dir, name));
    const files = entries.filter(({ kind }) => kind === "file").map(({ name }) => pathIn(dir as string, name));
    for (let start = 0; start < files.length; start += TREE_BATCH) {
      if (count >= MEASURED_FILES_MAX) return { sizeBytes, hasMore: true };
      const batch = files.slice(start, start + TREE_BATCH);
      for (const stat of yield* all(batch.map((file) => lstat(file)))) sizeBytes += stat?.sizeBytes ?? 0;
      count += batch.length;
    }
  }
  return { sizeBytes, hasMore: false };
}
