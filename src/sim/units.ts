/** Pending micro-operations in the pieces that a crash keeps or loses as a whole. */
import type { BlockOp, EntryOp, MicroOp } from "./micro-op.ts";
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
  const units: Unit[] = [];
  for (const op of pending) {
    const previous = units.at(-1);
    const sibling = op.kind === "entry" && previous && isRename(previous, op) ? previous : undefined;
    const atomic = profile.atomicRename || (op.kind === "entry" && op.whole);
    if (sibling && atomic && sibling.ops[0]?.inode === op.inode) {
      units[units.length - 1] = { ops: [...sibling.ops, op], after: sibling.after };
      continue;
    }
    if (op.kind === "block" && op.freshFrom < op.bytes.length && profile.unwritten === "garbage")
      units.push({ ops: [garbageIn(op)], after: undefined });
    units.push({ ops: [op], after: sibling && profile.newNameFirst ? sibling : undefined });
  }
  return units;
}

const isRename = (unit: Unit, op: EntryOp): boolean => unit.ops.some(({ kind, step }) => kind === "entry" && step === op.step);

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
