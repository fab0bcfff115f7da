/**
 * Windows. As posix.ts, with these changes:
 *
 * 1. A staged file is opened so that nobody else can open it (share mode 0): the system ends that with the process, which is
 *    what a kernel lock is for elsewhere.
 * 2. A rename over a file that anybody holds open fails, so programs close first and try again for a while.
 * 3. A directory is flushed through a handle that may write to it; where that is refused, there is no directory sync.
 * 4. Names of devices, and names that end in a dot or a space, are refused: Windows would write to something else.
 */
import * as fs from "node:fs";
import { NAME_BYTES_MAX } from "../util/limits.ts";
import type { Access, FileSystem, Machine, Traits } from "./io.ts";
import { shareModeLockFiles } from "./lock-files.ts";
import { calls, callsSync, type DirSyncRules, opening, thisProcess } from "./node-calls.ts";

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants;

/** libuv: open with share mode 0. Not in `fs.constants`, but passed through since libuv 1.17 (include/uv/win.h). */
const UV_FS_O_EXLOCK = 0x10000000;

const FLAGS: Readonly<Record<Access, number>> = {
  create: O_RDWR | O_CREAT | O_EXCL | UV_FS_O_EXLOCK,
  edit: O_RDWR,
  read: O_RDONLY,
};

/** FlushFileBuffers needs write access, and some file systems flush no directory at all. */
const NO_DIR_SYNC = new Set(["EACCES", "EBADF", "EINVAL", "EISDIR", "EPERM"]);
const DIR_SYNC: DirSyncRules = { flags: O_RDWR, unopenable: NO_DIR_SYNC, unsupported: NO_DIR_SYNC };

/** Device names are reserved in every directory and with every extension ("Naming Files, Paths, and Namespaces"). */
const DEVICE = /^(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(\.|$)/i;

function refuseName(name: string): string | undefined {
  if (name.length > NAME_BYTES_MAX) return `a name can't be longer than ${NAME_BYTES_MAX} UTF-16 units`;
  if (/[<>:"/\\|?*]/.test(name) || [...name].some((letter) => letter < " "))
    return "a name can't contain < > : \" / \\ | ? * or a control character";
  if (DEVICE.test(name)) return "the name is reserved for a device";
  return /[. ]$/.test(name) ? "a name can't end in a dot or a space" : undefined;
}

/** `statfs` tells nothing here; a path that begins with two backslashes is a share. */
function fileSystem(path: string): FileSystem {
  const share = path.startsWith("\\\\") && !path.startsWith("\\\\?\\");
  return { name: share ? "share" : "ntfs", local: !share, persistent: true };
}

const traits: Traits = {
  lock: "share-mode",
  boot: undefined,
  replacesOpenFiles: false,
  userId: undefined,
  foldName: (name) => name.toLowerCase(),
  refuseName,
  owner: thisProcess(),
};

/** The machine itself. */
export function windowsMachine(): Machine {
  const constant = {
    ...shareModeLockFiles(UV_FS_O_EXLOCK),
    traits: () => traits,
    tryLock: () => true,
    exchange: () => false, // there is none: the "swap" of fs-native-extensions is three renames here
    fileSystem,
  };
  const opened = opening(FLAGS, DIR_SYNC);
  return {
    io: {
      ...calls,
      ...constant,
      ...opened.io,
    },
    sync: {
      ...callsSync,
      ...constant,
      ...opened.sync,
    },
  };
}
