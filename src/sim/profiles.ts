/**
 * What a crash may do, as data: one profile for each kind of system. The rules of `strict` are those that POSIX and the
 * common file systems leave open together; what holds under it holds on each of them.
 */
import type { Log, Sync } from "./log.ts";
import type { MicroOp } from "./micro-op.ts";

/** One set of rules. A further system (ext4, xfs, btrfs) is a further entry of {@link PROFILES}. */
export interface Profile {
  /** Whether power may be lost; else processes are only killed. */
  readonly powerLoss: boolean;
  /** Whether a rename within one directory happens as a whole or not at all. */
  readonly atomicRename: boolean;
  /** Whether a rename between directories may show both names, but never neither. */
  readonly newNameFirst: boolean;
  /** What shows in a file whose size reached the disk before its content did. */
  readonly unwritten: "garbage" | "zeros";
  /** Whether a completed sync makes an earlier change durable. */
  readonly covers: (sync: Sync, op: MicroOp) => boolean;
}

/** fsync of a file: its content, size and attributes. Of a directory: its names, not what they lead to, nor its own name. */
const ownInode = (sync: Sync, op: MicroOp): boolean => sync.inode === op.inode;

/** All profiles by name. */
export const PROFILES = {
  /** Processes die at any request, also inside a write; the system lives on. */
  kill: { powerLoss: false, atomicRename: true, newNameFirst: true, unwritten: "zeros", covers: ownInode },
  /** What to certify against. */
  strict: { powerLoss: true, atomicRename: true, newNameFirst: true, unwritten: "zeros", covers: ownInode },
  /** The default model of ALICE (Pillai et al., OSDI'14): a rename is several steps, and new blocks show what was on the disk before. */
  paranoid: { powerLoss: true, atomicRename: false, newNameFirst: false, unwritten: "garbage", covers: ownInode },
} as const satisfies Record<string, Profile>;

/** The name of a profile. */
export type ProfileName = keyof typeof PROFILES;

/**
 * The step at which a change became durable, or Infinity. After a failed sync the system has dropped what it could not
 * write, so a later sync that succeeds proves nothing about it (Rebello et al., ATC'20).
 */
export function durableAt(op: MicroOp, { syncs }: Pick<Log, "syncs">, { covers }: Profile): number {
  for (const sync of syncs) {
    if (sync.step <= op.step || !covers(sync, op)) continue;
    return sync.failed ? Infinity : sync.step;
  }
  return Infinity;
}
