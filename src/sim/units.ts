/** Pending micro-operations in the pieces that a crash keeps or loses as a whole. */
import { type BlockOp, isMetadata, type MicroOp } from "./micro-op.ts";
import type { Profile } from "./profiles.ts";

/** One piece. It is on the disk only if `after` is. */
export interface Unit {
  readonly ops: readonly MicroOp[];
  readonly after: Unit | undefined;
}

/** What a disk may hold in a block that was never written: anything but NUL, so that it is told apart. */
const GARBAGE = 0xdb;

/** The pieces of `pending`, in order. */
export function unitsOf(pending: readonly MicroOp[], profile: Profile): Unit[] {
  const units: (Unit & { readonly ops: MicroOp[] })[] = [];
  for (const op of pending) {
    const previous = units.at(-1);
    if (previous && isOne(previous, op, profile)) {
      previous.ops.push(op);
      continue;
    }
    if (op.kind === "block" && op.freshFrom < op.bytes.length && profile.unwritten === "garbage")
      units.push({ ops: [garbageIn(op)], after: undefined });
    units.push({ ops: [op], after: predecessor(units, op, profile) });
  }
  return units;
}

/** Whether `op` is kept or lost together with `previous`. */
function isOne(previous: Unit, op: MicroOp, { atomicRename, growsWithContent }: Profile): boolean {
  if (isRename(previous, op)) {
    const sameDirectory = previous.ops[0]?.inode === op.inode;
    const whole = op.kind === "entry" && op.whole;
    return atomicRename === "all" || (sameDirectory && (whole || atomicRename === "in one directory"));
  }
  return growsWithContent && op.kind === "block" && isGrowth(previous, op);
}

/** What is on the disk if `op` is. */
function predecessor(
  units: readonly Unit[],
  op: MicroOp,
  { newNameFirst, ordered, growsWithContent }: Profile,
): Unit | undefined {
  const previous = units.at(-1);
  if (ordered && isMetadata(op)) return units.filter(({ ops }) => ops.some(isMetadata)).at(-1);
  if (growsWithContent && op.kind === "size")
    return units.filter(({ ops }) => ops.some(({ kind, inode }) => kind === "size" && inode === op.inode)).at(-1);
  return newNameFirst && previous && isRename(previous, op) ? previous : undefined;
}

const isRename = (previous: Unit, op: MicroOp): boolean =>
  op.kind === "entry" && previous.ops.some(({ kind, step }) => kind === "entry" && step === op.step);

/** The content for which the file was made longer. */
const isGrowth = (previous: Unit, { step, inode, part }: BlockOp): boolean =>
  previous.ops.some((op) => op.kind === "size" && op.step === step && op.inode === inode && op.part === part);

/** The block as it was before this write gave it content: what is new in the file shows whatever the disk held there. */
function garbageIn(op: BlockOp): BlockOp {
  return { ...op, seq: op.seq - 0.5, bytes: op.bytes.slice().fill(GARBAGE, op.freshFrom) };
}

/** `kept` without the pieces whose predecessor is lost. */
export function closed(kept: ReadonlySet<Unit>, all: readonly Unit[]): Set<Unit> {
  const result = new Set<Unit>();
  for (const unit of all) if (kept.has(unit) && (!unit.after || result.has(unit.after))) result.add(unit);
  return result;
}
