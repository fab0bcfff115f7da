/** From a path to an object, as path_resolution(7) says. */
import * as nodePath from "node:path";
import { NAME_BYTES_MAX, SYMLINKS_MAX } from "../util/limits.ts";
import { type Inode, ROOT, type Volume } from "./volume.ts";

/** Where a path leads: the directory, the name in it, and what has this name, if anything. */
export interface Found {
  readonly dir: Inode;
  /** Empty if the path ends in the root, in `.` or in `..`. */
  readonly name: string;
  readonly inode: Inode | undefined;
  /** The path of what was found, without symbolic links. */
  readonly real: string;
}

/** How to look. */
export interface LookUp {
  /** Whether a symbolic link at the end is followed. */
  readonly follow: boolean;
  readonly foldName: (name: string) => string;
  /** Whether names of this directory may be used. */
  readonly maySearch: (dir: Inode) => boolean;
  /** Throws the error of the request. */
  readonly fail: (code: string) => never;
}

const SEPARATORS = nodePath.sep === "\\" ? /[\\/]+/ : /\/+/;
const DRIVE = /^[a-z]:$/i;

/** The names in a path; of a drive letter, which a simulated disk does not have, nothing. */
export function namesIn(path: string): string[] {
  const names = path.split(SEPARATORS).filter((name) => name !== "");
  return nodePath.sep === "\\" && DRIVE.test(names[0] ?? "") ? names.slice(1) : names;
}

/** The path in the one form that reports and conditions of faults have: with slashes. */
export function withSlashes(path: string): string {
  return nodePath.sep === "\\" ? `/${namesIn(path).join("/")}` : path;
}

interface Place {
  readonly inode: Inode;
  readonly name: string;
}

const realOf = (stack: readonly Place[]): string =>
  `/${stack
    .slice(1)
    .map(({ name }) => name)
    .join("/")}`;

/** Looks a path up; relative ones start at the root. */
export function lookUp(volume: Volume, path: string, how: LookUp): Found {
  if (path === "") how.fail("ENOENT");
  const root = { inode: volume.inode(ROOT), name: "" };
  const pending = namesIn(path);
  let stack: Place[] = [root];
  let followed = 0;
  for (;;) {
    const dir = (stack.at(-1) ?? root).inode;
    const name = pending.shift();
    if (name === undefined) return { dir: (stack.at(-2) ?? root).inode, name: "", inode: dir, real: realOf(stack) };
    if (dir.kind !== "directory") how.fail("ENOTDIR");
    if (!how.maySearch(dir)) how.fail("EACCES");
    if (name === ".") continue;
    if (name === "..") {
      stack = stack.length > 1 ? stack.slice(0, -1) : stack;
      continue;
    }
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) how.fail("ENAMETOOLONG");
    const entry = dir.entries.get(how.foldName(name));
    const last = pending.length === 0;
    if (!entry) {
      if (!last) how.fail("ENOENT");
      return { dir, name, inode: undefined, real: realOf([...stack, { inode: dir, name }]) };
    }
    const inode = volume.inode(entry.child);
    if (inode.kind === "symlink" && (!last || how.follow)) {
      if (++followed > SYMLINKS_MAX) how.fail("ELOOP");
      pending.unshift(...namesIn(inode.text));
      if (/^[\\/]/.test(inode.text)) stack = [root];
      continue;
    }
    stack.push({ inode, name: entry.name });
    if (last) return { dir, name: entry.name, inode, real: realOf(stack) };
  }
}
