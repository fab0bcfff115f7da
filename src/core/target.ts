/** From a caller's path to the one directory entry that will be replaced. */
import * as path from "node:path";
import { errnoOf, HoldfastError } from "../errors.ts";
import type { Stat } from "../io/io.ts";
import { all, lstat, type Program, readLink, realPath, stat, traits } from "../io/program.ts";
import { SYMLINKS_MAX } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";

/** What to do with a symbolic link at the end of the path. Links in the middle are always followed. */
export type SymlinkPolicy = "follow" | "refuse" | "replace";

/** One directory entry, with the directory resolved once: everything later happens in `dir`. */
export interface Target {
  /** The directory, without symbolic links. */
  readonly dir: string;
  readonly dirId: string;
  readonly name: string;
  /** `dir` and `name`. */
  readonly path: string;
  /** Equal for two paths exactly if they lead to one entry, however they are spelled. */
  readonly key: string;
  /** What is there now: a regular file or a directory, a link to be replaced, or nothing. */
  readonly existing: Stat | undefined;
}

/** As {@link resolveEntry}, and refuses what a file can't replace. */
export function* resolveTarget(given: string, symlink: SymlinkPolicy): Program<Target> {
  const target = yield* resolveEntry(given, symlink);
  refuseUnlessFile(target, given);
  return target;
}

/**
 * Follows `path` to the entry that a write would replace. Reads only.
 *
 * A dangling link is followed too: the file it names is then created, as open(2) with O_CREAT would.
 */
export function* resolveEntry(given: string, symlink: SymlinkPolicy): Program<Target> {
  const { foldName, refuseName } = yield* traits();
  let at = given;
  for (let followed = 0; followed <= SYMLINKS_MAX; followed++) {
    const name = path.basename(at);
    const refused = refuseName(name);
    if (refused !== undefined) throw new HoldfastError("INVALID_NAME", { what: refused, path: given });
    const { dir, dirId, entry } = yield* lookUp(at, given);
    if (entry?.kind === "symlink" && symlink === "refuse") throw new HoldfastError("SYMLINK", { path: given });
    if (entry?.kind === "symlink" && symlink === "follow") {
      at = yield* linkTarget(dir, name);
      continue;
    }
    return { dir, dirId, name, path: pathIn(dir, name), key: `${dirId}/${foldName(name)}`, existing: entry };
  }
  throw new HoldfastError("SYMLINK", { what: `more than ${SYMLINKS_MAX} symbolic links lead on from the path`, path: given });
}

function* lookUp(at: string, given: string): Program<{ dir: string; dirId: string; entry: Stat | undefined }> {
  const parent = path.dirname(at);
  try {
    const [dir, parentStat, entry] = yield* all([realPath(parent), stat(parent), lookAt(at)]);
    if (parentStat?.kind === "directory") return { dir, dirId: parentStat.id, entry };
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  throw new HoldfastError("NOT_FOUND", { what: "the directory does not exist", path: given, details: { directory: parent } });
}

/**
 * What has this name, or undefined. Windows refuses to look at a file that was removed while somebody has it open (delete
 * pending): nothing is known of it then but that it leaves, and who takes its name waits as for any other held file.
 */
export function* lookAt(at: string): Program<Stat | undefined> {
  try {
    return yield* lstat(at);
  } catch (error) {
    if ((yield* traits()).replacesOpenFiles || errnoOf(error) !== "EPERM") throw error;
    return undefined;
  }
}

/** The text of a link is relative to the real directory the link is in; `path.join` would fold `..` before links are followed. */
function* linkTarget(dir: string, name: string): Program<string> {
  const text = yield* readLink(pathIn(dir, name));
  return path.isAbsolute(text) ? text : pathIn(dir, text);
}

/** Refuses a target that a file can't replace. */
export function refuseUnlessFile({ existing, path: at }: Pick<Target, "existing" | "path">, given: string = at): void {
  if (existing === undefined || existing.kind === "file" || existing.kind === "symlink") return;
  const what = existing.kind === "directory" ? "the path is a directory" : "the path is a device, FIFO or socket";
  throw new HoldfastError("NOT_A_FILE", { what, path: given, details: { kind: existing.kind } });
}
