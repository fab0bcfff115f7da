/** Nothing bypasses the seam: what the library asks of its machine is what the kernel is asked. */

import path from "node:path";
import type { Point } from "./session.ts";
import type { Request } from "./worker.ts";

/** The system calls of each request on Linux, where all goes well. */
const CALLS: Readonly<Record<Request["op"], readonly string[]>> = {
  close: ["close"],
  dropLock: ["close"],
  endsBy: ["pread64"],
  exchange: ["renameat2"],
  fileSystem: ["statfs"],
  letLockGo: ["fcntl"],
  link: ["link"],
  list: ["openat", "stat", "getdents64", "close"],
  search: ["openat", "stat", "getdents64", "close"],
  lstat: ["stat"],
  makeDir: ["mkdir"],
  open: ["openat"],
  read: ["pread64"],
  readLink: ["readlink"],
  readLockNote: ["openat", "pread64", "close"],
  realPath: ["readlink"], // one for each directory on the way
  removeDir: ["rmdir"],
  rename: ["rename"],
  retakeLock: ["fcntl"],
  setMode: ["fchmod"],
  setOwner: ["fchown"],
  setTime: ["utimensat"],
  stat: ["stat"],
  statFile: ["stat"],
  truncate: ["ftruncate"],
  syncDir: ["openat", "fsync", "close"],
  syncData: ["fdatasync"],
  syncFile: ["fsync"],
  takeLock: ["openat", "fcntl", "stat", "stat", "pread64"],
  tryLock: ["fcntl"],
  unlink: ["unlink"],
  write: ["pwrite64"],
  writeLockNote: ["pwrite64"],
  // These do not touch the disk.
  now: [],
  random: [],
  sleep: [],
  traits: [],
};

/** One name for the calls of different versions of the C library. */
const STAT = /^(statx|newfstatat|[lf]?stat)$/;

/** How the calls about `dir` that were seen differ from those that the requests stand for, as violations. */
export function compareRequests(requests: readonly Request[], points: readonly Point[], dir: string): string[] {
  const asked = count(requests.flatMap((request) => callsOf(request, dir)));
  const seen = count(
    points.filter((point, at) => !isNextPart(points, point, at)).map(({ name }) => (STAT.test(name) ? "stat" : name)),
  );
  return [...new Set([...asked.keys(), ...seen.keys()])].flatMap((name) => {
    const [expected, found] = [asked.get(name) ?? 0, seen.get(name) ?? 0];
    if (expected === found) return [];
    if (found > expected) return [`${found - expected} of ${found} calls of ${name} were made without a request`];
    return [`${expected - found} of ${expected} calls of ${name} were asked for and not made`];
  });
}

/** What fails where nothing disturbs it, such as the listing of what is not there, fails at its first call. */
function callsOf({ op, path: at, failed }: Request, dir: string): readonly string[] {
  if (op === "realPath") return onTheWay(dir, at);
  return failed ? CALLS[op].slice(0, 1) : CALLS[op];
}

function onTheWay(dir: string, to: string): string[] {
  const below = path.relative(dir, to);
  return [dir, ...(below === "" ? [] : below.split(path.sep))].flatMap(() => CALLS.realPath);
}

/** A directory is read until there is no more, in as many calls as it takes. */
function isNextPart(points: readonly Point[], { name, thread }: Point, at: number): boolean {
  return (
    name === "getdents64" &&
    points
      .slice(0, at)
      .reverse()
      .find((earlier) => earlier.thread === thread)?.name === name
  );
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
