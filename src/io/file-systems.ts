/** What the magic number of statfs(2) tells. Only a file system listed as local is trusted with locks and ages. */
import type { FileSystem } from "./io.ts";

const UNKNOWN: FileSystem = { name: "unknown", local: false, persistent: true };

/** Numbers from linux/magic.h and statfs(2); bcachefs and zfs from their own sources. */
const LINUX: ReadonlyMap<number, FileSystem> = new Map([
  [0xef53, local("ext4")], // ext2 and ext3 have the same number
  [0x58465342, local("xfs")],
  [0x9123683e, local("btrfs")],
  [0xf2f52010, local("f2fs")],
  [0x2fc12fc1, local("zfs")],
  [0xca451a4e, local("bcachefs")],
  [0x794c7630, local("overlay")],
  [0x3153464a, local("jfs")],
  [0x3434, local("nilfs2")],
  [0x4d44, local("vfat")],
  [0x2011bab0, local("exfat")],
  [0x01021994, { name: "tmpfs", local: true, persistent: false }],
  [0x858458f6, { name: "ramfs", local: true, persistent: false }],
  [0x6969, remote("nfs")],
  [0xff534d42, remote("cifs")],
  [0xfe534d42, remote("smb2")],
  [0x517b, remote("smb")],
  [0x01021997, remote("9p")],
  [0x00c36400, remote("ceph")],
  [0x65735546, remote("fuse")],
]);

/** `f_type` of the two local file systems of macOS, as its mount table numbers them. */
const DARWIN: ReadonlyMap<number, FileSystem> = new Map([
  [0x1a, local("apfs")],
  [0x11, local("hfs")],
]);

function local(name: string): FileSystem {
  return { name, local: true, persistent: true };
}

function remote(name: string): FileSystem {
  return { name, local: false, persistent: true };
}

/** The file system of a statfs `type`, which Node gives as a signed number on some platforms. */
export function fileSystemOfType(type: number, platform: string): FileSystem {
  const table = platform === "linux" ? LINUX : platform === "darwin" ? DARWIN : undefined;
  return table?.get(type >>> 0) ?? UNKNOWN;
}
