/** The directory that other programs put tiles into, which may be all that is left of somebody's work. */
import { errnoOf, HoldfastError } from "../errors.ts";
import { newId, TOKEN_BYTES } from "../format/names.ts";
import { foreignDirectory } from "../format/tile-set.ts";
import { list, lstat, type Program, random, rename, syncDir } from "../io/program.ts";
import { notify } from "../util/notices.ts";
import { pathIn } from "../util/path.ts";
import type { Place } from "./generations.ts";

/** Where it is, if it has content; an empty one is in nobody's way. */
export function* foreignTilesOf(place: Place): Program<string | undefined> {
  const path = pathIn(place.dir, foreignDirectory(place.name));
  const found = yield* lstat(path);
  return found?.kind === "directory" && (yield* list(path)).length > 0 ? path : undefined;
}

/** Why a write does not begin. */
export function* refuseForeign(path: string): Program<never> {
  const entryCount = (yield* list(path)).length;
  const what =
    `another program has left ${entryCount} files in the tile directory, perhaps of a write that was interrupted: ` +
    'move them away, let option leftovers "quarantine" rename it, or "adopt" also take over the tiles that are whole';
  throw new HoldfastError("EXISTS", { what, path, details: { entryCount } });
}

/** Renames it, and loses nothing. @returns Its new path. */
export function* setAside(place: Place, path: string): Program<string> {
  const to = `${path}.quarantine-${newId(yield* random(TOKEN_BYTES))}`;
  yield* rename(path, to);
  yield* syncDir(place.dir);
  return to;
}

/** The same after a commit, which stands if somebody has a file of it open: the next write then meets it again. */
export function* setAsideIfPossible(place: Place, path: string): Program<string | undefined> {
  try {
    return yield* setAside(place, path);
  } catch (error) {
    if (errnoOf(error) === "") throw error;
    notify({ type: "sweep-failed", path, cause: error });
    return undefined;
  }
}
