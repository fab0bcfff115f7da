/** Requests about open files. */
import type { Access, File, IoSync } from "../io/io.ts";
import { type Actor, failing, find, may, toStat } from "./actor.ts";
import type { Kernel, Opened } from "./kernel.ts";
import type { Found } from "./lookup.ts";
import { type Birth, BLOCK_BYTES } from "./micro-op.ts";
import { type Inode, readBytes } from "./volume.ts";

type FileRequests = Pick<
  IoSync,
  | "close"
  | "endsBy"
  | "open"
  | "read"
  | "setMode"
  | "setOwner"
  | "setTime"
  | "statFile"
  | "syncData"
  | "syncFile"
  | "truncate"
  | "tryLock"
  | "write"
>;

/** What no new object gets. */
export const UMASK = 0o022;
const MODE_BITS = 0o7777;
const MODE_SET_ID = 0o6000;
const FIRST_DESCRIPTOR = 3;

/** The requests of one process. */
export function fileRequests(actor: Actor): FileRequests {
  const { kernel, files } = actor;
  const { traits } = kernel.platform;

  const opened = (file: File, syscall: string): Opened => files.get(file) ?? failing(syscall)("EBADF");

  const sync = (file: File): void => syncOpened(kernel, opened(file, "fsync"));

  return {
    open: (path, access, mode = 0o666) => open(actor, path, access, mode),
    read(file, into, position) {
      const { inode } = opened(file, "read");
      if (inode.kind === "directory") failing("read")("EISDIR");
      const bytes = readBytes(inode, position, into.length);
      into.set(bytes);
      return bytes.length;
    },
    endsBy: (file, position) => opened(file, "read").inode.sizeBytes <= position,
    write(file, bytes, position) {
      const { inode, writable } = opened(file, "write");
      if (!writable) failing("write")("EBADF");
      writeBlocks(kernel, inode, bytes, position);
      return bytes.length;
    },
    truncate(file, sizeBytes) {
      const { inode, writable } = opened(file, "ftruncate");
      if (!writable) failing("ftruncate")("EINVAL");
      truncateBlocks(kernel, inode, sizeBytes);
    },
    syncData: sync,
    syncFile: sync,
    close(file) {
      kernel.close(opened(file, "close"));
      files.delete(file);
    },
    statFile: (file) => toStat(opened(file, "fstat").inode),
    setMode(file, mode) {
      const { inode } = opened(file, "fchmod");
      if (actor.userId !== 0 && actor.userId !== inode.attributes.userId) failing("fchmod")("EPERM");
      kernel.change({ kind: "attributes", inode: inode.number, attributes: { ...inode.attributes, mode: mode & MODE_BITS } });
    },
    setTime(file, milliseconds) {
      const { inode } = opened(file, "futime");
      if (actor.userId !== 0 && actor.userId !== inode.attributes.userId) failing("futime")("EPERM");
      kernel.change({ kind: "time", inode: inode.number, modifiedMs: milliseconds });
    },
    setOwner(file, userId, groupId) {
      const { inode } = opened(file, "fchown");
      const before = inode.attributes;
      const own = before.userId === userId && actor.userId === userId && (groupId === before.groupId || groupId === actor.userId);
      if (actor.userId !== 0 && !own) failing("fchown")("EPERM");
      // chown(2): set-user-id and set-group-id are cleared.
      kernel.change({
        kind: "attributes",
        inode: inode.number,
        attributes: { userId, groupId, mode: before.mode & ~MODE_SET_ID },
      });
    },
    tryLock(file, how) {
      const mine = opened(file, "flock");
      if (traits(actor.userId).lock !== "kernel") return true;
      const others = [...kernel.opened].filter(
        (other) => other !== mine && other.inode === mine.inode && other.lock !== undefined,
      );
      if (others.some(({ lock }) => how === "exclusive" || lock === "exclusive")) return false;
      mine.lock = how;
      return true;
    },
  };
}

function syncOpened(kernel: Kernel, { inode, writable }: Opened): void {
  if (kernel.platform.windows && !writable) failing("fsync")("EPERM"); // FlushFileBuffers
  kernel.sync(inode);
}

/** Opens a file for a process. */
export function open(actor: Actor, path: string, access: Access, mode: number): File {
  const { kernel } = actor;
  const fail = failing("open", path);
  const found = find(actor, path, access !== "create", fail);
  const inode = access === "create" ? create(actor, found, mode, fail) : (found.inode ?? fail("ENOENT"));
  if (kernel.isLeaving(inode)) fail("EPERM");
  const writable = access !== "read";
  if (access === "edit" && inode.kind === "directory") fail("EISDIR");
  if (access !== "create" && !(may(actor, inode, "read") && (!writable || may(actor, inode, "write")))) fail("EACCES");
  if ([...kernel.opened].some((other) => other.inode === inode && other.alone)) fail("EBUSY");
  let file = FIRST_DESCRIPTOR;
  while (actor.files.has(file)) file++;
  const alone = kernel.platform.windows && access === "create";
  const opened: Opened = { inode, path: found.real, process: actor.name, writable, alone, lock: undefined };
  kernel.opened.add(opened);
  actor.files.set(file, opened);
  return file as File;
}

function create(actor: Actor, { dir, name, inode }: Found, mode: number, fail: (code: string) => never): Inode {
  if (inode) fail(actor.kernel.isLeaving(inode) ? "EPERM" : "EEXIST");
  if (!may(actor, dir, "write")) fail("EACCES");
  return newObject(actor, dir, name, { kind: "file", text: "", mode: mode & MODE_BITS & ~UMASK });
}

/** A new object with a name, owned by whoever makes it. */
export function newObject(
  actor: Actor,
  dir: Inode,
  name: string,
  what: Pick<Birth, "kind" | "mode" | "text">,
  userId: number = actor.userId,
): Inode {
  const { kernel } = actor;
  const inode = actor.nextInode();
  kernel.change({ kind: "birth", inode, birth: { ...what, userId, groupId: userId } });
  kernel.change({ kind: "entry", inode: dir.number, key: kernel.platform.traits(userId).foldName(name), name, child: inode });
  return kernel.volume.inode(inode);
}

/** One write, block by block: where the file grows, its size goes with each block, so that a cut leaves a whole number of them. */
export function writeBlocks(kernel: Kernel, inode: Inode, bytes: Uint8Array, position = 0): void {
  const { number } = inode;
  const end = position + bytes.length;
  for (let at = position, part = 0; at < end; part++) {
    const index = Math.floor(at / BLOCK_BYTES);
    const start = index * BLOCK_BYTES;
    const upTo = Math.min(start + BLOCK_BYTES, end);
    const before = inode.blocks.get(index) ?? new Uint8Array();
    const block = new Uint8Array(Math.max(before.length, upTo - start));
    block.set(before);
    block.set(bytes.subarray(at - position, upTo - position), at - start);
    const freshFrom = Math.min(block.length, Math.max(0, inode.sizeBytes - start));
    if (upTo > inode.sizeBytes) kernel.change({ kind: "size", inode: number, sizeBytes: upTo, part });
    kernel.change({ kind: "block", inode: number, index, bytes: block, freshFrom, part });
    at = upTo;
  }
}

/** A new length. What is cut off is gone from each block, so that it does not come back when the file grows again. */
function truncateBlocks(kernel: Kernel, inode: Inode, sizeBytes: number): void {
  const { number } = inode;
  kernel.change({ kind: "size", inode: number, sizeBytes });
  for (const [index, bytes] of [...inode.blocks]) {
    const keep = Math.max(0, sizeBytes - index * BLOCK_BYTES);
    if (keep < bytes.length) kernel.change({ kind: "block", inode: number, index, bytes: bytes.slice(0, keep), freshFrom: keep });
  }
}
