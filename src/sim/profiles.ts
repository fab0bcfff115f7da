/**
 * What a crash may do, as data: one profile for each kind of system. The rules of `strict` are those that POSIX and the
 * common file systems leave open together; what holds under it holds on each of them.
 */
import type { Log, Sync } from "./log.ts";
import { type EntryOp, isMetadata, type MicroOp } from "./micro-op.ts";

/** One set of rules. A further system is a further entry of {@link PROFILES}. */
export interface Profile {
  /** Whether power may be lost; else processes are only killed. */
  readonly powerLoss: boolean;
  /** Which renames happen as a whole or not at all. */
  readonly atomicRename: "all" | "in one directory" | "none";
  /** Whether a rename between directories may show both names, but never neither. */
  readonly newNameFirst: boolean;
  /** Whether names, owners, modes and times reach the disk in the order in which they were changed, in all directories. */
  readonly ordered: boolean;
  /** Whether a file grows only together with its content, from the front: what is there is never zeros nor garbage. */
  readonly growsWithContent: boolean;
  /** What shows in a file whose size reached the disk before its content did. */
  readonly unwritten: "garbage" | "zeros";
  /** Whether a completed sync makes an earlier change durable. */
  readonly covers: (sync: Sync, op: MicroOp, log: Pick<Log, "ops">) => boolean;
}

/** fsync of a file: its content, size and attributes. Of a directory: its names, not what they lead to, nor its own name. */
const ownInode: Profile["covers"] = (sync, op) => sync.inode === op.inode;

/**
 * ext4 and XFS: a sync commits the journal up to the last change of its inode, and so all that was changed before that.
 * Not the content of other files, nor their size, which goes with it.
 */
const journalUpToInode: Profile["covers"] = (sync, op, { ops }) =>
  ownInode(sync, op, { ops }) ||
  (isMetadata(op) && ops.some((last) => op.step <= last.step && last.step < sync.step && concerns(last, sync.inode)));

/** btrfs: a sync logs its inode, the names that lead to it, and how the new directories above it came to be. */
const logTree: Profile["covers"] = (sync, op, { ops }) => {
  if (ownInode(sync, op, { ops })) return true;
  if (op.kind !== "entry" || op.child === undefined) return false;
  return op.child === sync.inode || (isFirstName(op, ops) && isAbove(op.child, sync, ops));
};

const concerns = (op: MicroOp, inode: number): boolean => op.inode === inode || (op.kind === "entry" && op.child === inode);

const isFirstName = ({ child, step }: EntryOp, ops: readonly MicroOp[]): boolean =>
  ops.some((op) => op.kind === "birth" && op.inode === child && op.step === step);

/** Whether a path through the directory `dir` led to what is synced, then or before. */
function isAbove(dir: number, { inode, step }: Sync, ops: readonly MicroOp[]): boolean {
  const above = new Set([inode]);
  // Directories are made from the root downwards: going back, each comes after what is in it.
  for (const op of ops.filter((one) => one.step < step).reverse())
    if (op.kind === "entry" && op.child !== undefined && above.has(op.child)) above.add(op.inode);
  return above.has(dir);
}

const STRICT: Profile = {
  powerLoss: true,
  atomicRename: "in one directory",
  newNameFirst: true,
  ordered: false,
  growsWithContent: false,
  unwritten: "zeros",
  covers: ownInode,
};

/** All profiles by name. The last three are as measured on Linux 6.18, and `npm run test:kernel` holds them to it. */
export const PROFILES = {
  /** Processes die at any request, also inside a write; the system lives on. */
  kill: { ...STRICT, powerLoss: false },
  /** What to certify against. */
  strict: STRICT,
  /** The default model of ALICE (Pillai et al., OSDI'14): a rename is several steps, and new blocks show what was on the disk before. */
  paranoid: { ...STRICT, atomicRename: "none", newNameFirst: false, unwritten: "garbage" },
  ext4: { ...STRICT, atomicRename: "all", ordered: true, covers: journalUpToInode },
  xfs: { ...STRICT, atomicRename: "all", ordered: true, growsWithContent: true, covers: journalUpToInode },
  btrfs: { ...STRICT, growsWithContent: true, covers: logTree },
} as const satisfies Record<string, Profile>;

/** The name of a profile. */
export type ProfileName = keyof typeof PROFILES;

/**
 * The step at which a change became durable, or Infinity. After a failed sync the system has dropped what it could not
 * write, so a later sync that succeeds proves nothing about it (Rebello et al., ATC'20).
 */
export function durableAt(op: MicroOp, log: Pick<Log, "ops" | "syncs">, { covers }: Profile): number {
  for (const sync of log.syncs) {
    if (sync.step <= op.step || !covers(sync, op, log)) continue;
    return sync.failed ? Infinity : sync.step;
  }
  return Infinity;
}
