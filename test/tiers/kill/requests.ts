/** Nothing bypasses the seam: what the library asks of its machine is what the kernel is asked. */

import path from "node:path";
import type { Request } from "./worker.ts";

/** The system calls of each request on Linux, where all goes well. */
const CALLS: Readonly<Record<Request["op"], readonly string[]>> = {
  close: ["close"],
  dropLock: ["close"],
  fileSystem: ["statfs"],
  link: ["link"],
  list: ["openat", "stat", "getdents64", "close"],
  lstat: ["stat"],
  makeDir: ["mkdir"],
  open: ["openat"],
  read: ["pread64"],
  readLink: ["readlink"],
  readLockNote: ["openat", "pread64", "close"],
  realPath: ["readlink"], // one for each directory on the way
  rename: ["rename"],
  setMode: ["fchmod"],
  setOwner: ["fchown"],
  setTime: ["utimensat"],
  stat: ["stat"],
  statFile: ["stat"],
  syncDir: ["openat", "fsync", "close"],
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
export function compareRequests(requests: readonly Request[], names: readonly string[], dir: string): string[] {
  const asked = count(requests.flatMap(({ op, path: at }) => (op === "realPath" ? onTheWay(dir, at) : CALLS[op])));
  // A directory is read until there is no more, in as many calls as it takes.
  const seen = count(names.map((name) => (STAT.test(name) ? "stat" : name)).filter((name, at) => !isNextPart(names, name, at)));
  return [...new Set([...asked.keys(), ...seen.keys()])].flatMap((name) => {
    const [expected, found] = [asked.get(name) ?? 0, seen.get(name) ?? 0];
    if (expected === found) return [];
    if (found > expected) return [`${found - expected} of ${found} calls of ${name} were made without a request`];
    return [`${expected - found} of ${expected} calls of ${name} were asked for and not made`];
  });
}

function onTheWay(dir: string, to: string): string[] {
  const below = path.relative(dir, to);
  return [dir, ...(below === "" ? [] : below.split(path.sep))].flatMap(() => CALLS.realPath);
}

function isNextPart(names: readonly string[], name: string, at: number): boolean {
  return name === "getdents64" && names[at - 1] === name;
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
