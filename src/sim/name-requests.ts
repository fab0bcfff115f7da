/** Requests about names. */
import type { Entry, IoSync } from "../io/io.ts";
import { type Actor, failing, find, findExisting, may, toStat } from "./actor.ts";
import { newObject, UMASK } from "./file-requests.ts";
import type { Kernel } from "./kernel.ts";
import type { Found } from "./lookup.ts";
import type { Inode } from "./volume.ts";

type NameRequests = Pick<
  IoSync,
  | "exchange"
  | "fileSystem"
  | "link"
  | "list"
  | "lstat"
  | "makeDir"
  | "readLink"
  | "realPath"
  | "removeDir"
  | "rename"
  | "search"
  | "stat"
  | "syncDir"
  | "unlink"
>;

const DIRECTORY_MODE = 0o777;
const ANY_WRITE = 0o222;

/** The requests of one process. */
export function nameRequests(actor: Actor): NameRequests {
  const { kernel } = actor;
  const { persistent, syncsDirs, exchanges } = kernel.platform;
  return {
    lstat: (path) => statOf(actor, path, false, "lstat"),
    stat: (path) => statOf(actor, path, true, "stat"),
    readLink(path) {
      const fail = failing("readlink", path);
      const { inode } = findExisting(actor, path, false, fail);
      return inode.kind === "symlink" ? inode.text : fail("EINVAL");
    },
    realPath: (path) => findExisting(actor, path, true, failing("realpath", path)).real,
    list: (path) => entriesOf(actor, path, "scandir"),
    rename: (from, to) => rename(actor, from, to),
    search: (path, names, andDirectories = false) =>
      entriesOf(actor, path, "opendir").filter(({ name, kind }) => names.test(name) || (andDirectories && kind === "directory")),
    exchange: (one, other) => exchanges && exchange(actor, one, other),
    link(from, to) {
      const fail = failing("link", from, to);
      const { inode } = findExisting(actor, from, false, fail);
      const target = find(actor, to, false, fail);
      if (target.inode) fail("EEXIST");
      if (!may(actor, target.dir, "write")) fail("EACCES");
      if (inode.kind === "directory") fail("EPERM");
      enter(actor, target, inode.number);
    },
    unlink(path) {
      const fail = failing("unlink", path);
      const { inode, ...found } = findExisting(actor, path, false, fail);
      if (!may(actor, found.dir, "write")) fail("EACCES");
      if (inode.kind === "directory") fail(kernel.platform.windows ? "EPERM" : "EISDIR");
      if (openedAlone(kernel, inode)) fail("EBUSY");
      remove(actor, found, inode, fail);
    },
    makeDir(path, mode = DIRECTORY_MODE) {
      const fail = failing("mkdir", path);
      const { dir, name, inode } = find(actor, path, false, fail);
      if (inode) fail("EEXIST");
      if (!may(actor, dir, "write")) fail("EACCES");
      newObject(actor, dir, name, { kind: "directory", text: "", mode: mode & ~UMASK });
    },
    removeDir(path) {
      const fail = failing("rmdir", path);
      const { inode, ...found } = findExisting(actor, path, false, fail);
      if (!may(actor, found.dir, "write")) fail("EACCES");
      if (inode.kind !== "directory") fail("ENOTDIR");
      if (inode.entries.size > 0) fail("ENOTEMPTY");
      enter(actor, found, undefined);
    },
    syncDir(path) {
      const fail = failing("open", path);
      const { inode } = findExisting(actor, path, true, fail);
      if (inode.kind !== "directory") fail("ENOTDIR");
      if (!may(actor, inode, "read")) fail("EACCES");
      if (syncsDirs) kernel.sync(inode);
      return syncsDirs;
    },
    fileSystem(path) {
      findExisting(actor, path, true, failing("statfs", path));
      return { name: persistent ? "simulated" : "tmpfs", local: true, persistent };
    },
  };
}

function entriesOf(actor: Actor, path: string, syscall: string): Entry[] {
  const fail = failing(syscall, path);
  const { inode } = findExisting(actor, path, true, fail);
  if (inode.kind !== "directory") fail("ENOTDIR");
  if (!may(actor, inode, "read")) fail("EACCES");
  return [...inode.entries.values()].map(({ name, child }) => ({ name, kind: actor.kernel.volume.inode(child).kind }));
}

function statOf(actor: Actor, path: string, follow: boolean, syscall: string): ReturnType<IoSync["stat"]> {
  const absent = Symbol();
  const fail = (code: string): never => {
    if (code === "ENOENT") throw absent;
    return failing(syscall, path)(code);
  };
  try {
    const { inode } = findExisting(actor, path, follow, fail);
    if (actor.kernel.isLeaving(inode)) fail("EPERM");
    return toStat(inode);
  } catch (error) {
    if (error === absent) return undefined;
    throw error;
  }
}

/** Removes a name; on Windows at the last close of its file (before Node 22.12, and where there is no POSIX delete). */
function remove(actor: Actor, { dir, name }: Pick<Found, "dir" | "name">, inode: Inode, fail: (code: string) => never): void {
  const { kernel, userId } = actor;
  if (kernel.isLeaving(inode)) fail("EPERM");
  const leaves = kernel.platform.windows && isOpen(kernel, inode);
  if (leaves) kernel.leave(inode, { dir: dir.number, key: kernel.platform.traits(userId).foldName(name), name });
  else enter(actor, { dir, name }, undefined);
}

/** Lets a name lead to an object, or to nothing. */
function enter(
  { kernel, userId }: Actor,
  { dir, name }: Pick<Found, "dir" | "name">,
  child: number | undefined,
  whole?: boolean,
): void {
  const key = kernel.platform.traits(userId).foldName(name);
  kernel.change({ kind: "entry", inode: dir.number, key, name, child, whole });
}

const isOpen = ({ opened }: Kernel, inode: Inode): boolean => [...opened].some((one) => one.inode === inode);
const openedAlone = ({ opened }: Kernel, inode: Inode): boolean => [...opened].some((one) => one.inode === inode && one.alone);

function rename(actor: Actor, from: string, to: string): void {
  const { kernel } = actor;
  const fail = failing("rename", from, to);
  const source = findExisting(actor, from, false, fail);
  const target = find(actor, to, false, fail);
  if (!may(actor, source.dir, "write") || !may(actor, target.dir, "write")) fail("EACCES");
  if (source.name === "" || target.name === "") fail("EBUSY");
  for (const { inode } of [source, target]) if (inode) refuseLowerLayer(kernel, inode, fail);
  const inside = [...kernel.volume.walk(source.inode)].map(({ inode }) => inode);
  if (source.inode.kind === "directory" && inside.includes(target.dir)) fail("EINVAL");
  const replaced = target.inode;
  const move = { ...target, name: namesLast(to) ?? target.name };
  if (replaced === source.inode && (source.name === move.name || !kernel.platform.windows)) return;
  if (kernel.platform.windows) refuseHeld(kernel, source.inode, inside, replaced, fail);
  else if (replaced) refuseKind(source.inode, replaced, fail);
  // Between directories the new name comes first: nobody knows a system that would rather lose both.
  const whole = source.inode.kind === "directory";
  if (source.dir !== target.dir) enter(actor, move, source.inode.number, whole);
  enter(actor, source, undefined, whole);
  if (source.dir === target.dir) enter(actor, move, source.inode.number, whole);
}

/** renameat2(2) with RENAME_EXCHANGE. */
function exchange(actor: Actor, one: string, other: string): boolean {
  const fail = failing("rename", one, other);
  const [first, second] = [findExisting(actor, one, false, fail), findExisting(actor, other, false, fail)];
  for (const [moved, { dir }] of [
    [first, second],
    [second, first],
  ] as const) {
    if (!may(actor, dir, "write")) fail("EACCES");
    refuseLowerLayer(actor.kernel, moved.inode, fail);
    if (moved.name === "") fail("EBUSY");
    if ([...actor.kernel.volume.walk(moved.inode)].some(({ inode }) => inode === dir)) return false; // EINVAL
  }
  const whole = first.inode.kind === "directory" || second.inode.kind === "directory";
  enter(actor, first, second.inode.number, whole);
  enter(actor, second, first.inode.number, whole);
  return true;
}

/** Overlayfs, "renaming directories": what is on a lower layer can't be moved. */
function refuseLowerLayer({ base, platform }: Kernel, { kind, number }: Inode, fail: (code: string) => never): void {
  if (platform.layered && kind === "directory" && base.has(number)) fail("EXDEV");
}

/** The name as it is spelled now: a rename may change its case. */
function namesLast(path: string): string | undefined {
  return path
    .split(/[\\/]/)
    .filter((name) => name !== "")
    .at(-1);
}

/** rename(2). */
function refuseKind(source: Inode, replaced: Inode, fail: (code: string) => never): void {
  const directory = source.kind === "directory";
  if (replaced.kind === "directory" && !directory) fail("EISDIR");
  if (replaced.kind !== "directory" && directory) fail("ENOTDIR");
  if (replaced.kind === "directory" && replaced.entries.size > 0) fail("ENOTEMPTY");
}

/** What Windows refuses, as libuv reports it: ACCESS_DENIED is EPERM, SHARING_VIOLATION is EBUSY. */
function refuseHeld(
  kernel: Kernel,
  source: Inode,
  inside: readonly Inode[],
  replaced: Inode | undefined,
  fail: (code: string) => never,
): void {
  if (openedAlone(kernel, source)) fail("EBUSY");
  if (kernel.isLeaving(source)) fail("EPERM");
  if (source.kind === "directory" && inside.some((inode) => isOpen(kernel, inode))) fail("EPERM");
  if (replaced && replaced !== source && !mayReplace(kernel, replaced)) fail("EPERM");
}

/** No directory, nothing that is open, and nothing read-only: that attribute is all that Windows has of a mode. */
function mayReplace(kernel: Kernel, inode: Inode): boolean {
  return inode.kind !== "directory" && !isOpen(kernel, inode) && (inode.attributes.mode & ANY_WRITE) !== 0;
}
