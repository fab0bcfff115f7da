/** Missing directories, each with its name made durable: a file in a directory that is lost is lost too. */
import * as path from "node:path";
import { errnoOf } from "../errors.ts";
import { makeDir, type Program, stat, syncDir } from "../io/program.ts";

/**
 * Makes `dir` and its missing ancestors, and syncs the parent of each directory that was missing.
 *
 * A directory that somebody else makes meanwhile is synced too: its maker may not have come to that.
 */
export function* makeDirs(dir: string, sync: boolean): Program<void> {
  const missing: string[] = [];
  for (let at = dir; (yield* stat(at)) === undefined; at = path.dirname(at)) {
    missing.push(at);
    if (path.dirname(at) === at) break;
  }
  for (const at of missing.reverse()) {
    try {
      yield* makeDir(at);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    if (sync) yield* syncDir(path.dirname(at));
  }
}
