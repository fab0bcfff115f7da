/**
 * Directories where this process writes: look-ups, and the first bytes of a new file, on this thread.
 *
 * Of such a directory, on a local disk, the kernel has everything in memory: a path was walked and a name changed there a
 * moment ago. Three look-ups then take some microseconds each; to hand them to the thread pool and to hear of their answers
 * takes this thread longer than to make them, and the write waits for tens of microseconds more. What is written to a file that
 * was just made is copied to memory, as nothing of it waits to be written back. Elsewhere, on network file systems above all,
 * they go through the pool.
 */
import * as path from "node:path";
import { LOOKED_UP_DIRECTORIES_MAX, NEW_WRITTEN_AT_ONCE_BYTES_MAX } from "../util/limits.ts";
import type { File, Io, Machine } from "./io.ts";

/** Wraps a machine so that look-ups in directories where it has made a file, and the first write of the next one, are synchronous. */
export function lookingUpAtOnce({ io, sync }: Machine): Io {
  /** Whether a directory in which a file was made is on a local file system; false until that is known. */
  const local = new Map<string, boolean>();
  /** Files in such directories that nothing was written to yet. */
  const empty = new Set<File>();

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
      if (access !== "create") return file;
      const dir = path.dirname(name);
      if (isLocal(dir)) empty.add(file);
      else if (!local.has(dir)) void learn(dir);
      return file;
    },
    write: (file, bytes, position) =>
      (empty.delete(file) && bytes.length <= NEW_WRITTEN_AT_ONCE_BYTES_MAX ? sync : io).write(file, bytes, position),
    close(file) {
      empty.delete(file);
      return io.close(file);
    },
    lstat: (name) => (isLocal(path.dirname(name)) ? sync : io).lstat(name),
    stat: (dir) => (isLocal(dir) ? sync : io).stat(dir),
    realPath: (dir) => (isLocal(dir) ? sync : io).realPath(dir),
  };
}
