/** Linux, macOS and other POSIX systems. */
import * as fs from "node:fs";
import { NAME_BYTES_MAX } from "../util/limits.ts";
import { notify } from "../util/notices.ts";
import { exchanging } from "./exchange.ts";
import { fileSystemOfType } from "./file-systems.ts";
import type { Access, IoSync, Machine, Traits } from "./io.ts";
import { kernelLockFiles, type LockFiles, noLockFiles } from "./lock-files.ts";
import { meansNoLocks, type NativeLock, nativeLock, nativeLockFailure } from "./native-lock.ts";
import { calls, callsSync, type DirSyncRules, opening, thisProcess } from "./node-calls.ts";
import { loadSqlite, sqliteLockFiles } from "./sqlite-locks.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants;

/** Non-blocking, so that opening a FIFO does not wait for a writer; regular files do not know it (open(2)). */
const FLAGS: Readonly<Record<Access, number>> = {
  create: O_RDWR | O_CREAT | O_EXCL,
  edit: O_RDWR | O_NONBLOCK,
  read: O_RDONLY | O_NONBLOCK,
};

/** EINVAL by fsync(2) for special files; the others by file systems of FUSE and virtual machines (python-atomicwrites#27). */
const DIR_SYNC: DirSyncRules = {
  flags: O_RDONLY | O_DIRECTORY,
  unopenable: new Set(["EACCES"]),
  unsupported: new Set(["EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"]),
};

/** random(4): drawn at each start. Only Linux tells; what others tell goes by clocks, which can be set. */
function bootId(): string | undefined {
  try {
    return fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}

function refuseName(name: string): string | undefined {
  if (name.includes("\0")) return "a name can't contain a NUL character";
  return Buffer.byteLength(name) > NAME_BYTES_MAX ? `a name can't be longer than ${NAME_BYTES_MAX} bytes` : undefined;
}

/** By the addon, else by `node:sqlite`, else not at all. */
function lockFiles(native: NativeLock | undefined): LockFiles {
  if (native) return kernelLockFiles(native);
  const sqlite = loadSqlite();
  if (sqlite) return sqliteLockFiles(sqlite);
  return noLockFiles("locks need the package fs-native-extensions, or Node 22.13 and later; npm install fs-native-extensions");
}

/** The machine itself. `platform` is `process.platform`; file names that macOS normalises are one name here too. */
export function posixMachine(platform: string): Machine {
  const native = nativeLock();
  if (!native) notify({ type: "no-native-lock", cause: nativeLockFailure() });
  const traits: Traits = {
    lock: native ? "kernel" : "none",
    boot: bootId(),
    replacesOpenFiles: true,
    userId: process.geteuid?.(),
    foldName: platform === "darwin" ? (name) => name.normalize("NFC") : (name) => name,
    refuseName,
    owner: thisProcess(),
  };
  const tryLock: IoSync["tryLock"] = (file, how) => {
    try {
      return native?.tryLock(file, { shared: how === "shared" }) ?? true;
    } catch (error) {
      // A writer goes on without one; a sweeper learns nothing from it, and leaves the file.
      if (meansNoLocks(error)) return how === "exclusive";
      throw error;
    }
  };
  const constant = { ...lockFiles(native), traits: () => traits, tryLock };
  const opened = opening(FLAGS, DIR_SYNC);
  const exchange = exchanging(native);
  return {
    io: {
      ...calls,
      ...constant,
      ...opened.io,
      exchange: exchange.async,
      fileSystem: async (path) => fileSystemOfType((await fs.promises.statfs(path)).type, platform),
    },
    sync: {
      ...callsSync,
      ...constant,
      ...opened.sync,
      exchange: exchange.sync,
      fileSystem: (path) => fileSystemOfType(fs.statfsSync(path).type, platform),
    },
  };
}
