/** What the kernel images need of a machine. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { FILE_SYSTEM_NAMES, FILE_SYSTEMS, type FileSystemName } from "./file-systems.ts";
import { ENTER } from "./namespace.ts";
import type { Trial } from "./trial.ts";

/** What is missing, as words for people: undefined where nothing is. */
export interface Needs {
  /** Without it nothing can be tried. */
  readonly all: string | undefined;
  /** Without it this file system can't. */
  readonly fileSystems: Readonly<Record<FileSystemName, string | undefined>>;
  /** Without it no power can be cut by a call. */
  readonly powerCut: string | undefined;
}

const works = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;
const exists = (command: string): boolean => spawnSync(command, ["-V"], { stdio: "ignore" }).error === undefined;

/** Looks at this machine. */
export function kernelNeeds(): Needs {
  const fileSystems = FILE_SYSTEM_NAMES.map((name) => [name, missingFor(name)] as const);
  return {
    all: missingForAll(),
    fileSystems: Object.fromEntries(fileSystems) as Record<FileSystemName, string | undefined>,
    powerCut: exists("xfs_io") ? undefined : "needs xfs_io (package xfsprogs)",
  };
}

/** Why a trial can't be made. */
export function missingForTrial({ all, fileSystems, powerCut }: Needs, trial: Trial): string | undefined {
  return all ?? fileSystems[trial.fileSystem] ?? (trial.method === "power-cut" ? powerCut : undefined);
}

function missingForAll(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root, to mount file systems";
  const command = ["setpriv", "unshare", "mount"].find((name) => !exists(name));
  if (command !== undefined) return `needs ${command} (package util-linux)`;
  const device = ["/dev/fuse", "/dev/loop-control", "/dev/shm"].find((path) => !works("test", "-w", path));
  if (device !== undefined) return `needs ${device}, with the right to use it`;
  const [enter, ...args] = ENTER;
  const mounts = works(enter, ...args, "mount", "-t", "tmpfs", "none", "/dev/shm");
  return mounts ? undefined : "needs the right to mount (CAP_SYS_ADMIN, e.g. a privileged container)";
}

function missingFor(name: FileSystemName): string | undefined {
  const { mkfs, debianPackage } = FILE_SYSTEMS[name];
  if (!exists(mkfs[0])) return `needs ${mkfs[0]} (package ${debianPackage})`;
  const known = (): boolean => new RegExp(`\\b${name}$`, "m").test(fs.readFileSync("/proc/filesystems", "utf8"));
  return known() || works("modprobe", "-q", name) ? undefined : `needs a kernel with ${name}`;
}
