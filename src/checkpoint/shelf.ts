/** What a run knows of the generations on the disk, and which of them it removes. */

import { checkpointName, type Header } from "../format/checkpoint.ts";
import { notify } from "../util/notices.ts";
import { type Listing, moveAside, removeNames } from "./files.ts";
import { type Place, perform } from "./place.ts";
import { type DamagedGeneration, describeGeneration, readGeneration } from "./read.ts";

/** The generations of a checkpoint that this process has the lock of: nobody else makes or removes any. */
export interface Shelf {
  /** The greatest number that was given; the next is one more, also where a save has failed. */
  last: number;
  readonly there: Set<number>;
  /** What of these was read whole, or written: headers by number. */
  readonly good: Map<number, Header>;
  readonly bad: Set<number>;
  /** What the disk gave an error for: perhaps it is good, and the next one who asks gets it. */
  readonly unreadable: Set<number>;
  readonly members: Set<string>;
}

/** A shelf on which nothing was looked at. */
export function shelfOf({ generations, parts, greatest }: Listing): Shelf {
  return {
    last: greatest,
    there: new Set(generations),
    good: new Map(),
    bad: new Set(),
    unreadable: new Set(),
    members: new Set(parts),
  };
}

/**
 * Moves aside what is damaged, and removes what no kept generation needs: only after a newer generation is durable, and only
 * below `keep` that are good. What nobody has looked at is read before it counts as good.
 */
export async function tidy<State>(place: Place<State>, shelf: Shelf): Promise<void> {
  const kept = await keptOf(place, shelf);
  await perform(place, moveAside(place.dir, [...shelf.bad]));
  for (const bad of shelf.bad) shelf.there.delete(bad);
  shelf.bad.clear();
  const originals = [...kept.values()].flatMap(({ original }) => (original === undefined ? [] : [original]));
  for (const original of originals) {
    const header =
      shelf.good.get(original) ?? (await perform(place, describeGeneration(place.dir, original, "generation")))?.header;
    if (header) kept.set(original, header);
  }
  const members = new Set([...kept.values()].flatMap((header) => (header.members ?? []).map(({ name }) => name)));
  const lowest = Math.min(...kept.keys());
  const generations = [...shelf.there].filter(
    (generation) => !kept.has(generation) && !(shelf.unreadable.has(generation) && generation > lowest),
  );
  const orphans = [...shelf.members].filter((name) => !members.has(name));
  // Generations go before what they consist of: one that is still there is whole.
  const names = [...generations.map((generation) => checkpointName("generation", generation)), ...orphans];
  if (names.length === 0) return;
  const left = new Set(await perform(place, removeNames(place.dir, names)));
  for (const generation of generations) {
    shelf.good.delete(generation);
    if (!left.has(checkpointName("generation", generation))) shelf.there.delete(generation);
  }
  for (const name of orphans) if (!left.has(name)) shelf.members.delete(name);
  if (left.size > 0) notify({ type: "sweep-failed", path: place.dir, details: { names: [...left] } });
}

/** The newest good ones. What a tombstone, or a copy of an older one, has set aside is not among them. */
async function keptOf<State>(place: Place<State>, shelf: Shelf): Promise<Map<number, Header>> {
  const kept = new Map<number, Header>();
  let below = Number.POSITIVE_INFINITY;
  for (const generation of [...shelf.there].sort((a, b) => b - a)) {
    if (kept.size === place.keep) break;
    if (generation > below || shelf.bad.has(generation)) continue;
    const header = shelf.good.get(generation) ?? (await lookAt(place, shelf, generation));
    if (!header) continue;
    kept.set(generation, header);
    if (header.kind === "cleared") break;
    if (header.copyOf !== undefined) below = Math.min(below, header.copyOf);
  }
  return kept;
}

/** Notes what can't be used. */
export function noteDamage(shelf: Shelf, { generation, cause }: DamagedGeneration): void {
  if (!shelf.there.has(generation)) return;
  (cause === "unreadable" ? shelf.unreadable : shelf.bad).add(generation);
}

async function lookAt<State>(place: Place<State>, shelf: Shelf, generation: number): Promise<Header | undefined> {
  const found = await perform(place, readGeneration(place.dir, generation));
  if (found === undefined) shelf.there.delete(generation);
  else if ("cause" in found) noteDamage(shelf, found);
  else shelf.good.set(generation, found.header);
  return shelf.good.get(generation);
}
