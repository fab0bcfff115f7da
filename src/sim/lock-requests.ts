/** Requests about lock files. */
import type { HeldLock, IoSync } from "../io/io.ts";
import { type Actor, failing, find } from "./actor.ts";
import { newObject, open, writeBlocks } from "./file-requests.ts";
import type { Kernel } from "./kernel.ts";
import { type Inode, readBytes } from "./volume.ts";

type LockRequests = Pick<IoSync, "dropLock" | "letLockGo" | "readLockNote" | "retakeLock" | "takeLock" | "writeLockNote">;

const MODE = 0o644;

/** The requests of one process. A lock is an open file; the note is its content, on Windows too, to be simple. */
export function lockRequests(actor: Actor): LockRequests {
  const { kernel, files } = actor;
  const textOf = (inode: Inode): string => new TextDecoder().decode(readBytes(inode, 0, inode.sizeBytes));
  return {
    takeLock(path, how) {
      const fail = failing("open", path);
      const found = find(actor, path, true, fail);
      const inode = found.inode ?? newObject(actor, found.dir, found.name, { kind: "file", text: "", mode: MODE });
      if (inode.kind === "directory") fail("EISDIR");
      if (isTaken(kernel, inode, how)) return undefined;
      const file = open(actor, path, "edit", MODE);
      const opened = files.get(file);
      if (opened) opened.lock = how;
      return { lock: file as number as HeldLock, note: textOf(inode) };
    },
    writeLockNote(lock, note) {
      const inode = files.get(lock)?.inode ?? failing("write")("EBADF");
      writeBlocks(kernel, inode, new TextEncoder().encode(note));
    },
    dropLock(lock) {
      kernel.close(files.get(lock) ?? failing("close")("EBADF"));
      files.delete(lock);
    },
    letLockGo(lock) {
      (files.get(lock) ?? failing("flock")("EBADF")).lock = undefined;
    },
    retakeLock(lock) {
      const opened = files.get(lock) ?? failing("flock")("EBADF");
      if (isTaken(kernel, opened.inode, "exclusive")) return false;
      opened.lock = "exclusive";
      return true;
    },
    readLockNote(path) {
      const { inode } = find(actor, path, true, failing("open", path));
      return inode ? textOf(inode) : "";
    },
  };
}

function isTaken({ opened }: Kernel, inode: Inode, how: "exclusive" | "shared"): boolean {
  return [...opened].some((one) => one.inode === inode && one.lock && (how === "exclusive" || one.lock === "exclusive"));
}
