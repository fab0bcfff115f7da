/**
 * All that Holdfast can ask of a machine. Real machines are `posix.ts` and `windows.ts`; the simulated disk, faults, traces
 * and shared barriers each are one of these interfaces too, or wrap one. So what is simulated is what ships.
 *
 * Every function throws the error of the system, with `code`, `syscall` and `path` as Node sets them.
 */
declare const fileBrand: unique symbol;

/**
 * An open file, handed back unread. On Node it is the descriptor, not a `FileHandle`, so that the synchronous loop (an
 * exit hook, say) can close what the asynchronous one has opened.
 */
export type File = number & { readonly [fileBrand]: true };

/** How to open: `create` makes a new file and fails with EEXIST; `edit` opens an existing one for writing. */
export type Access = "create" | "edit" | "read";

/** What one object of the file system is. */
export interface Stat {
  readonly kind: "directory" | "file" | "other" | "symlink";
  readonly sizeBytes: number;
  /** Permission bits with set-user-id, set-group-id and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** Device and inode: two stats with one id are the same object. */
  readonly id: string;
  /** Names the object has. 0: it is unlinked and lives only as long as it is open. */
  readonly links: number;
  /** Last change of content, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** A name in a directory, and what it leads to. */
export interface Entry {
  readonly name: string;
  readonly kind: Stat["kind"];
}

/** What is known of the file system a directory is on. */
export interface FileSystem {
  /** Its usual name, e.g. `"ext4"`, or `"unknown"`. */
  readonly name: string;
  /** Whether it is known to be local: only there do locks and modification times prove anything. */
  readonly local: boolean;
  /** False where content never survives power loss (tmpfs). */
  readonly persistent: boolean;
}

declare const lockBrand: unique symbol;

/** A lock file that is locked, handed back unread. */
export type HeldLock = number & { readonly [lockBrand]: true };

/** A lock that was just taken, and the text that its file had. */
export interface TakenLock {
  readonly lock: HeldLock;
  readonly note: string;
}

/** What is constant for a machine and differs between platforms. */
export interface Traits {
  /**
   * What keeps a staged file alive: `kernel`, a lock on its descriptor; `share-mode`, an open that excludes all others
   * (Windows); `none`, nothing, so that a sweeper can go by age only.
   */
  readonly lock: "kernel" | "none" | "share-mode";
  /** Who this process is, for people who read that it holds a lock. Proves nothing: another container may have the same. */
  readonly owner: { readonly pid: number; readonly host: string };
  /** Whether a rename replaces a name while somebody has the old file open (POSIX), or fails for as long (Windows). */
  readonly replacesOpenFiles: boolean;
  /** Different after each start of the system; undefined where that can't be told. */
  readonly boot: string | undefined;
  /** The effective user, where there are users. */
  readonly userId: number | undefined;
  /** The form of a name that is equal for all spellings the platform takes for one name. */
  readonly foldName: (name: string) => string;
  /** Why no file of this name can be had on the platform, or undefined. */
  readonly refuseName: (name: string) => string | undefined;
}

/** A machine in its plain, synchronous form. {@link Io} follows from it. */
export interface IoSync {
  traits(): Traits;

  /** `mode` (before umask) counts for `create` only. */
  open(path: string, access: Access, mode?: number): File;
  /** Reads at most `into.length` bytes at `position`; 0 is the end of the file. */
  read(file: File, into: Uint8Array, position: number): number;
  /** Writes at `position`. May write less than asked and say so, as write(2) may: the caller loops and checks. */
  write(file: File, bytes: Uint8Array, position: number): number;
  /** ftruncate: the file has this length, and nothing of what lay beyond comes back when it grows again. */
  truncate(file: File, sizeBytes: number): void;
  /** fsync: content and attributes are on the disk when it returns. Its failure poisons the file: never try again. */
  syncFile(file: File): void;
  /** fdatasync: as {@link syncFile}, without the attributes that no reader of the content needs; its size is one they need. */
  syncData(file: File): void;
  /** The descriptor is gone even when this fails (close(2), Linux). */
  close(file: File): void;
  statFile(file: File): Stat;
  /** Whether nothing is in the file from `position` on: what its size says too, at a third of the cost. */
  endsBy(file: File, position: number): boolean;
  setMode(file: File, mode: number): void;
  /** Sets the time of its last change, in milliseconds since 1970. */
  setTime(file: File, milliseconds: number): void;
  setOwner(file: File, userId: number, groupId: number): void;
  /**
   * Takes the kernel lock of the file without waiting, false if somebody else has it. It belongs to this open descriptor
   * and ends with it. Where `traits().lock` is `share-mode` or `none`, true, and nothing is taken. Where only this file
   * system has no locks, an exclusive lock is given in name (the writer goes on), a shared one refused (it proves nothing).
   */
  tryLock(file: File, how: "exclusive" | "shared"): boolean;

  /**
   * Opens the lock file at `path`, made if there is none, and takes its kernel lock without waiting; undefined if somebody
   * else has it, in this process too. It ends with the process, however that ends. The file is never removed. UNSUPPORTED
   * where no lock can be had.
   */
  takeLock(path: string, how: "exclusive" | "shared"): TakenLock | undefined;
  /** Leaves a text for whoever looks at the lock, or takes it next. Neither atomic nor durable. */
  writeLockNote(lock: HeldLock, note: string): void;
  /** The lock is gone even when this fails, as with {@link close}. */
  dropLock(lock: HeldLock): void;
  /** Gives the lock back as {@link dropLock} does, and keeps what {@link retakeLock} needs. */
  letLockGo(lock: HeldLock): void;
  /**
   * Takes a lock that was let go, alone and without waiting, at a fraction of the cost of {@link takeLock}; false if somebody
   * else has it. Whether the file still has its name is not looked at.
   */
  retakeLock(lock: HeldLock): boolean;
  /** The text left by whoever has, or last had, the lock; empty if there is none. */
  readLockNote(path: string): string;

  /** Undefined is proven absence (ENOENT); every other failure throws. A final symbolic link is not followed. */
  lstat(path: string): Stat | undefined;
  /** As `lstat`, but follows symbolic links. */
  stat(path: string): Stat | undefined;
  readLink(path: string): string;
  /** The path of an existing object without symbolic links. */
  realPath(path: string): string;
  /** All that is in a directory, in no order. */
  list(path: string): readonly Entry[];
  /**
   * What is in a directory under names of this form, in no order; sub-directories of other names too if asked for. Nothing
   * else is kept in memory, so that a directory of a million files can be searched. Not for what depends on each entry: a
   * signal that interrupts it on a network file system can hide some (libuv's `uv_fs_readdir` begins again in the middle).
   */
  search(path: string, names: RegExp, andDirectories?: boolean): readonly Entry[];
  /** Atomic; replaces an existing file at `to`. */
  rename(from: string, to: string): void;
  /**
   * Makes each of two names lead to what the other led to, in one atomic step (renameat2(2), RENAME_EXCHANGE). False: this
   * machine or file system has no such thing, and nothing was done.
   */
  exchange(one: string, other: string): boolean;
  /** A further name for a file; EEXIST if it is taken. Never replaces. */
  link(from: string, to: string): void;
  unlink(path: string): void;
  /** `mode` is before umask, and 0o777 by default. */
  makeDir(path: string, mode?: number): void;
  /** Removes a directory; ENOTEMPTY if something is in it. */
  removeDir(path: string): void;
  /** fsync of a directory. False: this file system or platform has no such thing. A real failure throws. */
  syncDir(path: string): boolean;
  fileSystem(path: string): FileSystem;

  /** Waits; in a simulator, virtual time only. */
  sleep(milliseconds: number): void;
  /** Milliseconds of the wall clock, comparable with {@link Stat.modifiedMs}. */
  now(): number;
  /** Bytes nobody can guess, different in every process and thread. */
  random(byteCount: number): Uint8Array;
}

/** The name of a request to the machine. */
export type Op = keyof IoSync;
type Reply<K extends Op> = ReturnType<IoSync[K]>;

/** A machine whose answers may come later. Every {@link IoSync} is one. */
export type Io = { readonly [K in Op]: (...args: Parameters<IoSync[K]>) => Reply<K> | Promise<Reply<K>> };

/** Both forms of one machine. Everything remembered about it (queues, capabilities, sweeps) hangs on this object. */
export interface Machine {
  readonly io: Io;
  readonly sync: IoSync;
}

/** One request, as data. */
export type Call = { readonly [K in Op]: { readonly op: K; readonly args: Parameters<IoSync[K]> } }[Op];
