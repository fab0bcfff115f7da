/**
 * The disks that a power cut could have left, from the record of a disk: all writes up to the last flush, and some of those
 * after it. Writes after a flush are lost, kept, reordered, and torn at 4096 bytes.
 */

import { seededRandom } from "../seeded-random.ts";
import type { Entry } from "./block-log.ts";
import type { SparseDisk } from "./sparse-disk.ts";

/** One write that is kept, or these of its blocks. */
interface Kept {
  readonly index: number;
  readonly blocks: readonly boolean[] | undefined;
}

/** One disk. */
export interface CrashImage {
  /** All writes before this entry are there. */
  readonly durableUpTo: number;
  readonly kept: readonly Kept[];
  /** What had been acknowledged: as often as it makes a difference when the power went. */
  readonly acknowledged: Map<string, readonly string[]>;
  /** Whether it is of the moment of an acknowledgement: these are always looked at. */
  atMark: boolean;
}

/** What to choose. */
export interface ImageOptions {
  /** Where the protocol begins. */
  readonly from: number;
  /** Whether flushes do nothing. */
  readonly lying: boolean;
  /** Whether those come first that have nothing but what is durable: what a missing barrier shows for certain. */
  readonly flushesFirst: boolean;
  readonly seed: number;
  readonly imagesMax: number;
}

const BLOCK = 4096;
/** With at most so many writes pending, each one missing is tried. */
const MISSING_ONE_MAX = 6;
const DRAWN = 2;

/** Images of all moments from `from` on, about `imagesMax`, in order of time. */
export function crashImages(
  entries: readonly Entry[],
  { from, lying, flushesFirst, seed, imagesMax }: ImageOptions,
): CrashImage[] {
  const random = seededRandom(seed);
  const images = new Map<string, CrashImage>();
  const acknowledged: string[] = [];
  let durableUpTo = from;
  let pending: number[] = [];
  for (const [index, entry] of entries.entries()) {
    if (index < from) continue;
    if (entry.kind === "flush" && !lying) {
      durableUpTo = index;
      pending = [];
      continue;
    }
    if (entry.kind === "write") pending.push(index);
    if (entry.kind === "mark") acknowledged.push(entry.text);
    const atMark = entry.kind === "mark";
    for (const kept of atMark ? whole(pending) : [...whole(pending), ...parts(pending, entries, random)]) {
      const key = `${durableUpTo} ${kept.map(({ index, blocks }) => `${index}${blocks ? blocks.map(Number).join("") : ""}`)}`;
      const image = images.get(key) ?? { durableUpTo, kept, acknowledged: new Map(), atMark };
      image.atMark ||= atMark;
      image.acknowledged.set(acknowledged.join(" "), [...acknowledged]);
      images.set(key, image);
    }
  }
  const all = [...images.values()];
  const isFirst = ({ atMark, kept }: CrashImage): boolean => atMark || (flushesFirst && kept.length === 0);
  const first = all.filter(isFirst);
  const others = drawn(
    all.filter((image) => !isFirst(image)),
    imagesMax - first.length,
    random,
  );
  return [...first, ...others].sort((a, b) => a.durableUpTo - b.durableUpTo);
}

const entire = (indices: readonly number[]): Kept[] => indices.map((index) => ({ index, blocks: undefined }));

/** Nothing and everything. */
const whole = (pending: readonly number[]): Kept[][] => [[], entire(pending)];

/** One missing, some missing, some torn. */
function parts(pending: readonly number[], entries: readonly Entry[], random: () => number): Kept[][] {
  const missingOne =
    pending.length <= MISSING_ONE_MAX ? pending.map((one) => entire(pending.filter((other) => other !== one))) : [];
  const some = Array.from({ length: DRAWN }, () => entire(pending.filter(() => random() < 0.5)));
  const blocksOf = (index: number): number => {
    const entry = entries[index];
    return entry?.kind === "write" ? Math.ceil(entry.data.length / BLOCK) : 0;
  };
  const torn = pending.map((index) => ({
    index,
    blocks: Array.from({ length: blocksOf(index) }, () => random() < 0.5),
  }));
  return [...missingOne, ...some, torn];
}

function drawn(images: readonly CrashImage[], count: number, random: () => number): CrashImage[] {
  const rest = [...images];
  const chosen: CrashImage[] = [];
  while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return chosen;
}

/** Lets the writes between two entries happen. */
export function applyWrites(disk: SparseDisk, entries: readonly Entry[]): void {
  for (const entry of entries) if (entry.kind === "write") disk.write(entry.offset, entry.data);
}

/** Lets the pending writes happen that an image has. */
export function applyKept(disk: SparseDisk, entries: readonly Entry[], { kept }: CrashImage): void {
  for (const { index, blocks } of kept) {
    const entry = entries[index];
    if (entry?.kind !== "write") continue;
    for (let at = 0; at < entry.data.length; at += BLOCK)
      if (!blocks || blocks[at / BLOCK]) disk.write(entry.offset + at, entry.data.subarray(at, at + BLOCK));
  }
}
