/**
 * Which of the pending pieces reached the disk: all subsets where these are few, else those in which failures are found.
 *
 * Measured over 12 protocols: no class of failure needed more than one deviation from "all kept" or "all lost".
 */
import { HoldfastError } from "../errors.ts";
import type { MicroOp } from "./micro-op.ts";
import { below, seeded } from "./seeded.ts";
import { closed, type Unit } from "./units.ts";

/** Up to this many pieces every subset is visited: 4,096 at most. */
const FULL_UNITS_MAX = 12;
/** Above it, so many subsets with two deviations, and so many with any number, are drawn. */
const PAIRS_SAMPLED = 300;
const RANDOM_SAMPLED = 200;
/** A write of more blocks than this is not taken apart block by block. */
const BLOCKS_TAKEN_APART = 8;

type Subset = ReadonlySet<Unit>;

/** Subsets that a crash can keep; some may come twice. */
export function* subsets(units: readonly Unit[], seed: number): Generator<Subset> {
  if (units.length > FULL_UNITS_MAX) {
    for (const kept of fewDeviations(choicesOf(units), seed)) yield closed(kept, units);
    return;
  }
  for (let bits = 0; bits < 1 << units.length; bits++) {
    const kept = new Set(units.filter((_, index) => bits & (1 << index)));
    if (closed(kept, units).size === kept.size) yield kept;
  }
}

/** What can become of pieces that belong together: first all lost, last all kept. */
type Choice = readonly (readonly Unit[])[];

function choicesOf(units: readonly Unit[]): Choice[] {
  const together = new Map<string, Unit[]>();
  for (const unit of units) {
    const { kind, step, inode } = first(unit);
    const key = kind === "block" || kind === "size" ? `${kind} ${step} ${inode}` : `${together.size}`;
    together.set(key, [...(together.get(key) ?? []), unit]);
  }
  return [...together.values()].map(classesOf);
}

/** None, first half, second half, each one missing, all. */
function classesOf(units: readonly Unit[]): Choice {
  if (units.length === 1) return [[], units];
  const half = Math.ceil(units.length / 2);
  const missing = units.length <= BLOCKS_TAKEN_APART ? units : [units[0], units[half], units.at(-1)];
  return [[], units.slice(0, half), units.slice(half), ...missing.map((one) => units.filter((unit) => unit !== one)), units];
}

function first({ ops }: Unit): MicroOp {
  const [op] = ops;
  if (!op) throw new HoldfastError("ASSERTION", { what: "a crash unit without operations" });
  return op;
}

function* fewDeviations(choices: readonly Choice[], seed: number): Generator<Subset> {
  const last = choices.map((options) => options.length - 1);
  const none = choices.map(() => 0);
  const keep = (picks: readonly number[]): Subset =>
    new Set(choices.flatMap((options, index) => options[picks[index] ?? 0] ?? []));
  // Prefixes: the disk stopped at one moment.
  for (let upTo = 0; upTo <= choices.length; upTo++) yield keep(last.map((pick, index) => (index < upTo ? pick : 0)));
  for (const base of [last, none]) {
    for (const [index, options] of choices.entries()) {
      for (let pick = 0; pick < options.length; pick++) yield keep(changed(base, index, pick));
    }
  }
  const random = seeded(seed);
  const draw = (index: number): number => below(random, choices[index]?.length ?? 1);
  for (let sample = 0; sample < PAIRS_SAMPLED; sample++) {
    const [one, other] = [below(random, choices.length), below(random, choices.length)];
    yield keep(changed(changed(sample % 2 ? last : none, one, draw(one)), other, draw(other)));
  }
  for (let sample = 0; sample < RANDOM_SAMPLED; sample++) yield keep(choices.map((_, index) => draw(index)));
}

const changed = (picks: readonly number[], at: number, pick: number): number[] =>
  picks.map((old, index) => (index === at ? pick : old));
