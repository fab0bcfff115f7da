/**
 * Look-ups in directories where this process writes, answered on this thread.
 *
 * Of such a directory, on a local disk, the kernel has everything in memory: a path was walked and a name changed there a
 * moment ago. Three look-ups then take some microseconds each; to hand them to the thread pool and to hear of their answers
 * takes this thread longer than to make them, and the write waits for tens of microseconds more. Elsewhere, on network file
 * systems above all, they go through the pool.
 */
import * as path from "node:path";
import { LOOKED_UP_DIRECTORIES_MAX } from "../util/limits.ts";
import type { Io, Machine } from "./io.ts";

/** Wraps a machine so that look-ups in directories where it has made a file are synchronous. */
export function lookingUpAtOnce({ io, sync }: Machine): Io {
  /** Whether a directory in which a file was made is on a local file system; false until that is known. */
  const local = new Map<string, boolean>();

  const learn = async (dir: string): Promise<void> => {
    if (local.size >= LOOKED_UP_DIRECTORIES_MAX) local.clear();
    local.set(dir, false);
    const found = await Promise.resolve(io.fileSystem(dir)).catch(() => undefined); // what can't be asked is not known to be local
    local.set(dir, found?.local ?? false);
  };
  const isLocal = (dir: string): boolean => local.get(dir) === true;

  return {
    ...io,
    async open(name, access, mode) {
      const file = await io.open(name, access, mode);
      if (access === "create" && !local.has(path.dirname(name))) void learn(path.dirname(name));
      return file;
    },
    lstat: (name) => (isLocal(path.dirname(name)) ? sync : io).lstat(name),
    stat: (dir) => (isLocal(dir) ? sync : io).stat(dir),
    realPath: (dir) => (isLocal(dir) ? sync : io).realPath(dir),
  };
}
