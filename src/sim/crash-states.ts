/**
 * The states in which a crash can leave a disk.
 *
 * Power loss is looked at only just before a sync completes, before and at acknowledgements, and at the end: what is possible at any
 * other moment is possible at the next of these too, as nothing became durable in between.
 */
import type { Kernel } from "./kernel.ts";
import type { Log } from "./log.ts";
import type { MicroOp } from "./micro-op.ts";
import { durableAt, type Profile } from "./profiles.ts";
import { type Unit, unitsOf } from "./units.ts";
import type { Volume } from "./volume.ts";

/** A moment of power loss: what had been asked for, and what of it may be lost. */
export class PowerCut {
  /** The step before whose end it is. */
  readonly step: number;
  readonly units: readonly Unit[];
  readonly #base: Volume;
  readonly #issued: readonly { readonly op: MicroOp; readonly unit: Unit | undefined }[];

  constructor({ base, log }: Pick<Kernel, "base" | "log">, profile: Profile, step: number) {
    this.step = step;
    this.#base = base;
    // What was asked for before this moment may have been done by then, even if its reply came later.
    const issued = log.ops.filter((op) => op.step <= step || op.asked < step);
    const durable = durableBefore(step, issued, log, profile);
    this.units = unitsOf(
      issued.filter((op) => !durable.has(op)),
      profile,
    );
    const pending = this.units.flatMap((unit) => unit.ops.map((op) => ({ op, unit })));
    this.#issued = [...[...durable].map((op) => ({ op, unit: undefined })), ...pending].sort((a, b) => a.op.seq - b.op.seq);
  }

  /** The disk on which of what was pending only `kept` is left. */
  volume(kept: ReadonlySet<Unit>): Volume {
    const volume = this.#base.draft();
    for (const { op, unit } of this.#issued) if (!unit || kept.has(unit)) volume.apply(op);
    volume.trim();
    return volume;
  }
}

/** What is safe: what a sync has covered, with all that is kept together with it, or before it. */
function durableBefore(step: number, issued: readonly MicroOp[], log: Log, profile: Profile): Set<MicroOp> {
  const durable = new Set(issued.filter((op) => op.kind === "birth" || durableAt(op, log, profile) < step));
  const needed = new Set<Unit>();
  for (const unit of unitsOf(
    issued.filter(({ kind }) => kind !== "birth"),
    profile,
  ).reverse()) {
    if (!needed.has(unit) && !unit.ops.some((op) => durable.has(op))) continue;
    for (const op of unit.ops) durable.add(op);
    if (unit.after) needed.add(unit.after);
  }
  return durable;
}

/** The steps after `from` at which {@link PowerCut} is to be looked at; `all`: every step, to verify that these suffice. */
export function powerSteps({ syncs, acknowledgements, steps }: Log, from: number, all = false): number[] {
  const last = steps.at(-1)?.number ?? from;
  const chosen = all
    ? steps.map(({ number }) => number)
    : [...syncs.map(({ step }) => step), ...acknowledgements.flatMap(({ step }) => [step - 1, step])];
  return [...new Set([...chosen, last + 1])].filter((step) => step > from).sort((a, b) => a - b);
}

/** A kill at a request: done, or cut after so many parts of a write. */
export interface KillMoment {
  readonly step: number;
  readonly ops: readonly MicroOp[];
  /** Said only of a write that was cut. */
  readonly cutAfter: number | undefined;
  /** A later request that was in flight, and was done before one that had been asked for earlier. */
  readonly also: number | undefined;
}

/** Every kill since `from`; many leave the same. */
export function killMoments({ ops, steps }: Log, from: number): KillMoment[] {
  return [from, ...steps.map(({ number }) => number).filter((number) => number > from)].flatMap((step) => {
    const before = ops.filter((op) => op.step < step);
    const own = ops.filter((op) => op.step === step);
    const done = [...before, ...own];
    const parts = step > from ? [...new Set(own.map(({ part }) => part))].slice(0, -1) : [];
    const cuts = parts.map((part) => ({
      step,
      cutAfter: part + 1,
      also: undefined,
      ops: [...before, ...own.filter((op) => op.part <= part)],
    }));
    const inFlight = overtaking(ops, step).map((also) => ({
      step,
      cutAfter: undefined,
      also,
      ops: [...done, ...ops.filter((op) => op.step === also)],
    }));
    return [...cuts, { step, cutAfter: undefined, also: undefined, ops: done }, ...inFlight];
  });
}

/** Requests in flight at `step` that can have been done before others in flight, as they are about other objects. */
function overtaking(ops: readonly MicroOp[], step: number): number[] {
  const later = ops.filter((op) => op.step > step);
  const objects = (some: readonly MicroOp[]): Set<number | undefined> =>
    new Set(some.flatMap((op) => (op.kind === "entry" ? [op.child, op.inode] : [op.inode])));
  const inFlight = [...new Set(later.filter((op) => op.asked <= step).map((op) => op.step))].slice(1);
  return inFlight.filter((also) => {
    const touched = objects(later.filter((op) => op.step < also));
    return ![...objects(later.filter((op) => op.step === also))].some((object) => touched.has(object));
  });
}
