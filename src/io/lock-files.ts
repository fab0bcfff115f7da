/**
 * Lock files: how each platform takes a lock that the system ends with the process.
 *
 * All calls are synchronous, also on the asynchronous machine: they touch a directory entry and a page in memory, and a trip
 * through the thread pool would cost several times as much, for each of the four calls of one lock.
 */
import * as fs from "node:fs";
import { HoldfastError } from "../errors.ts";
import type { HeldLock, IoSync } from "./io.ts";
import { meansNoLocks, type NativeLock } from "./native-lock.ts";

/** The requests about lock files. */
export type LockFiles = Pick<IoSync, "dropLock" | "letLockGo" | "readLockNote" | "retakeLock" | "takeLock" | "writeLockNote">;

const NOTE_BYTES_MAX = 4096;
const MODE = 0o666;
const ATTEMPTS_MAX = 8;
const EXCLUSIVE = { shared: false } as const;

/** Where the note is that can't be in the lock file: it can't be read, or is not ours to write. */
const holderOf = (path: string): string => `${path}.holder`;

/** POSIX, with fs-native-extensions. The note is in the lock file, which anybody may read. */
export function kernelLockFiles(native: NativeLock): LockFiles {
  const { O_CREAT, O_NONBLOCK, O_RDWR } = fs.constants;
  return {
    takeLock(path, how) {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const fd = fs.openSync(path, O_RDWR | O_CREAT | O_NONBLOCK, MODE);
        try {
          if (!native.tryLock(fd, { shared: how === "shared" })) return closed(fd);
          if (hasName(fd, path)) return { lock: fd as HeldLock, note: readText(fd) };
        } catch (error) {
          fs.closeSync(fd);
          if (!meansNoLocks(error)) throw error;
          throw new HoldfastError("UNSUPPORTED", { what: "this file system has no locks", path, cause: error });
        }
        fs.closeSync(fd); // somebody has removed it: a lock on it would exclude nobody
      }
      return undefined;
    },
    writeLockNote: (lock, note) => void fs.writeSync(lock, note, 0),
    dropLock: (lock) => fs.closeSync(lock),
    letLockGo: (lock) => native.unlock(lock),
    retakeLock: (lock) => native.tryLock(lock, EXCLUSIVE),
    readLockNote: readTextAt,
  };
}

function closed(fd: number): undefined {
  fs.closeSync(fd);
  return undefined;
}

function hasName(fd: number, path: string): boolean {
  const own = fs.fstatSync(fd, { bigint: true });
  const named = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  return named !== undefined && named.ino === own.ino && named.dev === own.dev;
}

/**
 * Windows: an open that excludes all others. Nobody can read the file meanwhile, so the note is beside it, and the file is
 * empty: if it is not, its content is the note, by which the caller sees that it is no lock file.
 */
export function shareModeLockFiles(exclusiveFlag: number): LockFiles {
  const { O_CREAT, O_RDWR } = fs.constants;
  const held = new Map<HeldLock, { readonly path: string; fd: number | undefined }>();
  let last = 0;
  const opened = (path: string, how: "exclusive" | "shared"): number | undefined => {
    try {
      return fs.openSync(path, O_RDWR | O_CREAT | (how === "exclusive" ? exclusiveFlag : 0), MODE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EBUSY") return undefined;
      throw error;
    }
  };
  const letLockGo = (lock: HeldLock): void => {
    const entry = held.get(lock);
    if (entry?.fd === undefined) return;
    const { fd } = entry;
    entry.fd = undefined;
    fs.closeSync(fd);
  };
  return {
    takeLock(path, how) {
      const fd = opened(path, how);
      if (fd === undefined) return undefined;
      const lock = --last as HeldLock;
      held.set(lock, { path, fd });
      return { lock, note: readText(fd) || readTextAt(holderOf(path)) };
    },
    writeLockNote: (lock, note) => holderNote.write(held.get(lock)?.path ?? "", note),
    dropLock(lock) {
      try {
        letLockGo(lock);
      } finally {
        held.delete(lock);
      }
    },
    letLockGo,
    retakeLock(lock) {
      const entry = held.get(lock);
      if (entry) entry.fd = opened(entry.path, "exclusive");
      return entry?.fd !== undefined;
    },
    readLockNote: (path) => readTextAt(holderOf(path)),
  };
}

/** The text at the beginning of a file; empty if there is none. */
export function readTextAt(path: string): string {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
  try {
    return readText(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** One for all, as nothing happens between reading and looking. */
const noteBytes = Buffer.alloc(NOTE_BYTES_MAX);

function readText(fd: number): string {
  return noteBytes.toString("utf8", 0, fs.readSync(fd, noteBytes, 0, noteBytes.length, 0));
}

/** Where no lock can be had. */
export function noLockFiles(what: string): LockFiles {
  const refuse = (): never => {
    throw new HoldfastError("UNSUPPORTED", { what });
  };
  return {
    takeLock: refuse,
    writeLockNote: refuse,
    dropLock: refuse,
    letLockGo: refuse,
    retakeLock: refuse,
    readLockNote: refuse,
  };
}

/** The note beside a lock file that belongs to SQLite. */
export const holderNote = {
  read: (path: string): string => readTextAt(holderOf(path)),
  /** Never truncates: ext4 writes such a file to disk when it is closed, which costs milliseconds (auto_da_alloc). */
  write(path: string, note: string): void {
    const fd = fs.openSync(holderOf(path), fs.constants.O_RDWR | fs.constants.O_CREAT, MODE);
    try {
      fs.writeSync(fd, note, 0);
    } finally {
      fs.closeSync(fd);
    }
  },
};
