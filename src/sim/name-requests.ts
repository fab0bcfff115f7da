/** Requests about names. */
import type { IoSync } from "../io/io.ts";
import { type Actor, failing, find, findExisting, may, toStat } from "./actor.ts";
import { newObject } from "./file-requests.ts";
import type { Kernel } from "./kernel.ts";
import type { Found } from "./lookup.ts";
import type { Inode } from "./volume.ts";

type NameRequests = Pick<
  IoSync,
  "fileSystem" | "link" | "list" | "lstat" | "makeDir" | "readLink" | "realPath" | "rename" | "stat" | "syncDir" | "unlink"
>;

const DIRECTORY_MODE = 0o755;
const ANY_WRITE = 0o222;

/** The requests of one process. */
export function nameRequests(actor: Actor): NameRequests {
  const { kernel } = actor;
  const { persistent, syncsDirs } = kernel.platform;
  return {
    lstat: (path) => statOf(actor, path, false, "lstat"),
    stat: (path) => statOf(actor, path, true, "stat"),
    readLink(path) {
      const fail = failing("readlink", path);
      const { inode } = findExisting(actor, path, false, fail);
      return inode.kind === "symlink" ? inode.text : fail("EINVAL");
    },
    realPath: (path) => findExisting(actor, path, true, failing("realpath", path)).real,
    list(path, prefix) {
      const fail = failing("opendir", path);
      const { inode } = findExisting(actor, path, true, fail);
      if (inode.kind !== "directory") fail("ENOTDIR");
      if (!may(actor, inode, "read")) fail("EACCES");
      return [...inode.entries.values()].map(({ name }) => name).filter((name) => name.startsWith(prefix));
    },
    rename: (from, to) => rename(actor, from, to),
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
    makeDir(path) {
      const fail = failing("mkdir", path);
      const { dir, name, inode } = find(actor, path, false, fail);
      if (inode) fail("EEXIST");
      if (!may(actor, dir, "write")) fail("EACCES");
      newObject(actor, dir, name, { kind: "directory", text: "", mode: DIRECTORY_MODE });
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
function enter({ kernel, userId }: Actor, { dir, name }: Pick<Found, "dir" | "name">, child: number | undefined): void {
  const key = kernel.platform.traits(userId).foldName(name);
  kernel.change({ kind: "entry", inode: dir.number, key, name, child });
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
  const inside = [...kernel.volume.walk(source.inode)].map(({ inode }) => inode);
  if (source.inode.kind === "directory" && inside.includes(target.dir)) fail("EINVAL");
  const replaced = target.inode;
  const move = { ...target, name: namesLast(to) ?? target.name };
  if (replaced === source.inode && (source.name === move.name || !kernel.platform.windows)) return;
  if (kernel.platform.windows) refuseHeld(kernel, source.inode, inside, replaced, fail);
  else if (replaced) refuseKind(source.inode, replaced, fail);
  // Between directories the new name comes first: nobody knows a system that would rather lose both.
  if (source.dir !== target.dir) enter(actor, move, source.inode.number);
  enter(actor, source, undefined);
  if (source.dir === target.dir) enter(actor, move, source.inode.number);
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
