/** What a test needs of its machine; a string is why it is skipped, and is shown. */
import { spawnSync } from "node:child_process";

type Skip = string | false;

export const needsRoot: Skip = process.getuid?.() === 0 ? false : "needs root";
export const needsLinux: Skip = process.platform === "linux" ? false : "needs Linux";
export const needsPosix: Skip = process.platform === "win32" ? "needs POSIX modes, links and special files" : false;

export const needsWindows: Skip = process.platform === "win32" ? false : "needs Windows";
export const needsFreeNames: Skip =
  process.platform === "win32" ? "needs a system that replaces and removes files that are open" : false;

/** The first reason of several. */
export function needs(...reasons: readonly Skip[]): Skip {
  return reasons.find((reason) => reason !== false) ?? false;
}

const works = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

/** System calls can be traced and failed. */
export const needsStrace: Skip = works("strace", "-f", "-o", "/dev/null", "true")
  ? false
  : "needs strace, with the right to trace";
/** A mount that nobody else sees. */
export const needsMounts: Skip = works("unshare", "-m", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt")
  ? false
  : "needs the right to unshare and mount";
/** A world with its own process ids. */
export const needsPidNamespaces: Skip = works("unshare", "--pid", "--fork", "--mount-proc", "true")
  ? false
  : "needs the right to unshare process ids";
export const needsMkfs: Skip = works("mkfs.ext4", "-V") && works("losetup", "-f") ? false : "needs mkfs.ext4 and loop devices";
export const needsCompiler: Skip = works("cc", "--version") ? false : "needs a C compiler (cc)";
/** A terminal of its own for a program (the script of util-linux). */
export const needsTerminal: Skip = works("script", "-qec", "true", "/dev/null") ? false : "needs script of util-linux";
