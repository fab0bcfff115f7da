/** Each request as the one call of `node:fs` that it is, in both forms. What differs by platform is in posix.ts and windows.ts. */
import { randomFillSync } from "node:crypto";
import * as fs from "node:fs";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { WRITTEN_AT_ONCE_BYTES_MAX } from "../util/limits.ts";
import type { Access, Entry, File, Io, IoSync, Stat, Traits } from "./io.ts";

/** What is the same on all platforms. */
export type Shared =
  | "close"
  | "endsBy"
  | "link"
  | "list"
  | "lstat"
  | "makeDir"
  | "now"
  | "random"
  | "read"
  | "readLink"
  | "realPath"
  | "removeDir"
  | "rename"
  | "search"
  | "setMode"
  | "setOwner"
  | "setTime"
  | "sleep"
  | "stat"
  | "statFile"
  | "syncData"
  | "syncFile"
  | "truncate"
  | "unlink"
  | "write";

const MODE_BITS = 0o7777;

type KindOf = Pick<fs.Dirent, "isDirectory" | "isFile" | "isSymbolicLink">;

const kindOf = (object: KindOf): Stat["kind"] =>
  object.isFile() ? "file" : object.isDirectory() ? "directory" : object.isSymbolicLink() ? "symlink" : "other";

const toEntry = (found: fs.Dirent): Entry => ({ name: found.name, kind: kindOf(found) });

/** Keeps what {@link IoSync.search} is to give. */
class Search {
  readonly entries: Entry[] = [];
  readonly #names: RegExp;
  readonly #andDirectories: boolean;

  constructor(names: RegExp, andDirectories = false) {
    this.#names = names;
    this.#andDirectories = andDirectories;
  }

  add(found: fs.Dirent): void {
    if (this.#names.test(found.name) || (this.#andDirectories && found.isDirectory())) this.entries.push(toEntry(found));
  }
}

const OPEN_DIR = { bufferSize: 1024 } as const;
const WITH_KINDS = { withFileTypes: true } as const;

function toStat(stats: fs.BigIntStats): Stat {
  return {
    kind: kindOf(stats),
    sizeBytes: Number(stats.size),
    mode: Number(stats.mode) & MODE_BITS,
    userId: Number(stats.uid),
    groupId: Number(stats.gid),
    id: `${stats.dev}:${stats.ino}`,
    links: Number(stats.nlink),
    modifiedMs: Number(stats.mtimeMs),
  };
}

const absentIfMissing = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
  throw error;
};

const bigint = { bigint: true } as const;
const oneByte = new Uint8Array(1);
const asleep = new Int32Array(new SharedArrayBuffer(4));

/**
 * The machine's own randomness: no process id, no counter, nothing that a second container could repeat. Fetched for many
 * names at once, as one call of the generator costs more than all else that a name needs.
 */
const pool = new Uint8Array(4096);
let used = pool.length;

function random(byteCount: number): Uint8Array {
  if (used + byteCount > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += byteCount;
  return pool.slice(used - byteCount, used);
}

function statSync(path: string, of: typeof fs.lstatSync): Stat | undefined {
  try {
    return toStat(of(path, bigint));
  } catch (error) {
    return absentIfMissing(error);
  }
}

export const callsSync: Pick<IoSync, Shared> = {
  close: (file) => fs.closeSync(file),
  endsBy: (file, position) => fs.readSync(file, oneByte, 0, 1, position) === 0,
  link: (from, to) => fs.linkSync(from, to),
  list: (path) => fs.readdirSync(path, WITH_KINDS).map(toEntry),
  lstat: (path) => statSync(path, fs.lstatSync),
  makeDir: (path, mode) => void fs.mkdirSync(path, mode),
  now: () => Date.now(),
  random,
  read: (file, into, position) => fs.readSync(file, into, 0, into.length, position),
  readLink: (path) => fs.readlinkSync(path),
  realPath: (path) => fs.realpathSync.native(path),
  removeDir: (path) => fs.rmdirSync(path),
  rename: (from, to) => fs.renameSync(from, to),
  search(path, names, andDirectories) {
    const result = new Search(names, andDirectories);
    const directory = fs.opendirSync(path, OPEN_DIR);
    try {
      for (let found = directory.readSync(); found; found = directory.readSync()) result.add(found);
    } finally {
      directory.closeSync();
    }
    return result.entries;
  },
  setTime: (file, milliseconds) => fs.futimesSync(file, milliseconds / 1000, milliseconds / 1000),
  setMode: (file, mode) => fs.fchmodSync(file, mode),
  setOwner: (file, userId, groupId) => fs.fchownSync(file, userId, groupId),
  // Never a busy loop: it would starve whoever holds the file.
  sleep: (milliseconds) => void Atomics.wait(asleep, 0, 0, milliseconds),
  stat: (path) => statSync(path, fs.statSync as typeof fs.lstatSync),
  statFile: (file) => toStat(fs.fstatSync(file, bigint)),
  syncData: (file) => fs.fdatasyncSync(file),
  syncFile: (file) => fs.fsyncSync(file),
  truncate: (file, sizeBytes) => fs.ftruncateSync(file, sizeBytes),
  unlink: (path) => fs.unlinkSync(path),
  write: (file, bytes, position) => fs.writeSync(file, bytes, 0, bytes.length, position),
};

/** A callback call as a promise; `util.promisify` would cost an object for each result of read and write. */
function called<T>(start: (done: (error: NodeJS.ErrnoException | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));
}

const realPath = promisify(fs.realpath.native);

/**
 * Files with nothing left to write back. To close one is a matter of memory, on network file systems too (which flush at
 * close), and is done on this thread: a trip through the thread pool costs more than ten times as much.
 */
const synced = new Set<File>();

export const calls: Pick<Io, Shared> = {
  close(file) {
    if (synced.delete(file)) return callsSync.close(file);
    return called<void>((done) => fs.close(file, done as fs.NoParamCallback));
  },
  // The page at the end of a file that is appended to is in memory: as with statFile.
  endsBy: callsSync.endsBy,
  link: (from, to) => called<void>((done) => fs.link(from, to, done as fs.NoParamCallback)),
  list: (path) => called<fs.Dirent[]>((done) => fs.readdir(path, WITH_KINDS, done)).then((all) => all.map(toEntry)),
  lstat: (path) => called<fs.BigIntStats>((done) => fs.lstat(path, bigint, done)).then(toStat, absentIfMissing),
  makeDir: (path, mode) => called<void>((done) => fs.mkdir(path, mode, done as fs.NoParamCallback)),
  now: callsSync.now,
  random,
  read: (file, into, position) => called<number>((done) => fs.read(file, into, 0, into.length, position, done)),
  readLink: (path) => called<string>((done) => fs.readlink(path, done)),
  realPath: (path) => realPath(path),
  removeDir: (path) => called<void>((done) => fs.rmdir(path, done as fs.NoParamCallback)),
  rename: (from, to) => called<void>((done) => fs.rename(from, to, done as fs.NoParamCallback)),
  async search(path, names, andDirectories) {
    const result = new Search(names, andDirectories);
    for await (const found of await fs.promises.opendir(path, OPEN_DIR)) result.add(found);
    return result.entries;
  },
  setTime: (file, milliseconds) =>
    called<void>((done) => fs.futimes(file, milliseconds / 1000, milliseconds / 1000, done as fs.NoParamCallback)),
  setMode: (file, mode) => called<void>((done) => fs.fchmod(file, mode, done as fs.NoParamCallback)),
  setOwner: (file, userId, groupId) => called<void>((done) => fs.fchown(file, userId, groupId, done as fs.NoParamCallback)),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  stat: (path) => called<fs.BigIntStats>((done) => fs.stat(path, bigint, done)).then(toStat, absentIfMissing),
  // fstat of a file we have just made reads memory; a trip through the thread pool would cost twenty times as much.
  statFile: callsSync.statFile,
  async syncData(file) {
    await called<void>((done) => fs.fdatasync(file, done as fs.NoParamCallback));
    synced.add(file);
  },
  async syncFile(file) {
    await called<void>((done) => fs.fsync(file, done as fs.NoParamCallback));
    synced.add(file);
  },
  truncate(file, sizeBytes) {
    synced.delete(file);
    return called<void>((done) => fs.ftruncate(file, sizeBytes, done as fs.NoParamCallback));
  },
  unlink: (path) => called<void>((done) => fs.unlink(path, done as fs.NoParamCallback)),
  write(file, bytes, position) {
    // A file that had nothing to be written back, so nothing that this could wait for: the bytes are copied, and no more.
    if (synced.delete(file) && bytes.length <= WRITTEN_AT_ONCE_BYTES_MAX) return callsSync.write(file, bytes, position);
    return called<number>((done) => fs.write(file, bytes, 0, bytes.length, position, done));
  },
};

/** Who this process is, for the note in a lock file. */
export function thisProcess(): Traits["owner"] {
  return { pid: process.pid, host: hostname() };
}

/** The requests that a platform has flags of its own for. */
type Opening = "open" | "syncDir";

const CREATE_MODE = 0o666;

/** Opening of files with these flags, and of directories by these rules, in both forms. */
export function opening(
  flags: Readonly<Record<Access, number>>,
  dirs: DirSyncRules,
): { readonly io: Pick<Io, Opening>; readonly sync: Pick<IoSync, Opening> } {
  return {
    io: {
      open: (path, access, mode = CREATE_MODE) => openFlags.async(path, flags[access], mode),
      syncDir: (path) => syncDir(path, dirs),
    },
    sync: {
      open: (path, access, mode = CREATE_MODE) => openFlags.sync(path, flags[access], mode),
      syncDir: (path) => syncDirSync(path, dirs),
    },
  };
}

const openFlags = {
  sync: (path: string, flags: number, mode: number): File => fs.openSync(path, flags, mode) as File,
  async: (path: string, flags: number, mode: number): Promise<File> =>
    called<number>((done) => fs.open(path, flags, mode, done)) as Promise<number> as Promise<File>,
};

/** How a platform syncs directories: the flags it opens them with, and the errors that mean "there is no such thing here". */
export interface DirSyncRules {
  readonly flags: number;
  /** When it is opened: a directory that may be written to but not read, too. */
  readonly unopenable: ReadonlySet<string>;
  readonly unsupported: ReadonlySet<string>;
}

/** Opens, syncs and closes a directory. */
function syncDirSync(path: string, { flags, unopenable, unsupported }: DirSyncRules): boolean {
  let fd: number;
  try {
    fd = fs.openSync(path, flags);
  } catch (error) {
    return falseIf(unopenable, error);
  }
  try {
    fs.fsyncSync(fd);
    return true;
  } catch (error) {
    return falseIf(unsupported, error);
  } finally {
    fs.closeSync(fd);
  }
}

/** The asynchronous form of {@link syncDirSync}. */
async function syncDir(path: string, { flags, unopenable, unsupported }: DirSyncRules): Promise<boolean> {
  let fd: File;
  try {
    fd = await openFlags.async(path, flags, 0);
  } catch (error) {
    return falseIf(unopenable, error);
  }
  try {
    await called<void>((done) => fs.fsync(fd, done as fs.NoParamCallback));
    return true;
  } catch (error) {
    return falseIf(unsupported, error);
  } finally {
    // Nobody waits for this: the descriptor was only read from, and closing it tells nothing about the sync.
    fs.close(fd, () => {});
  }
}

function falseIf(codes: ReadonlySet<string>, error: unknown): false {
  if (codes.has((error as NodeJS.ErrnoException).code ?? "")) return false;
  throw error;
}
