/** One simulated process, as the requests see it. */
import type { Stat } from "../io/io.ts";
import type { Kernel, Opened } from "./kernel.ts";
import { type Found, lookUp } from "./lookup.ts";
import { systemError } from "./system-error.ts";
import type { Inode } from "./volume.ts";

/** Who asks. */
export interface Actor {
  readonly kernel: Kernel;
  readonly name: string;
  readonly userId: number;
  /** Open descriptors by number. */
  readonly files: Map<number, Opened>;
  /** A number for a new inode; the same whatever other processes do meanwhile. */
  readonly nextInode: () => number;
  readonly random: () => number;
}

/** What a process wants to do with an object. */
export type Right = "read" | "search" | "write";

const BIT: Readonly<Record<Right, number>> = { read: 4, write: 2, search: 1 };

/** Whether owner, group and mode allow it; the group of a process is its user id, and user 0 may do everything. */
export function may({ userId }: Actor, { attributes }: Inode, right: Right): boolean {
  if (userId === 0) return true;
  const shift = attributes.userId === userId ? 6 : attributes.groupId === userId ? 3 : 0;
  return ((attributes.mode >> shift) & BIT[right]) !== 0;
}

/** Throws the error of a request about `path`. */
export function failing(syscall: string, path?: string, dest?: string): (code: string) => never {
  return (code) => {
    throw systemError(code, syscall, path, dest);
  };
}

/** Looks a path up on behalf of `actor`. */
export function find(actor: Actor, path: string, follow: boolean, fail: (code: string) => never): Found {
  const { foldName } = actor.kernel.platform.traits(actor.userId);
  return lookUp(actor.kernel.volume, path, { follow, foldName, fail, maySearch: (dir) => may(actor, dir, "search") });
}

/** As {@link find}, for something that has to be there. */
export function findExisting(
  actor: Actor,
  path: string,
  follow: boolean,
  fail: (code: string) => never,
): Found & { readonly inode: Inode } {
  const { inode, ...rest } = find(actor, path, follow, fail);
  return { ...rest, inode: inode ?? fail("ENOENT") };
}

/** What an object is, as the seam says it. */
export function toStat({ kind, sizeBytes, attributes, number, links, modifiedMs }: Inode): Stat {
  return { kind, sizeBytes, ...attributes, id: `1:${number}`, links, modifiedMs };
}
