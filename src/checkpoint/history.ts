/** All generations there are, for people. */

import type { Header, Progress } from "../format/checkpoint.ts";
import { listCheckpoint } from "./files.ts";
import { type Place, perform } from "./place.ts";
import { type DamagedGeneration, describeGeneration, readGeneration } from "./read.ts";

/** One generation. */
export interface HistoryEntry {
  readonly generation: number;
  readonly path: string;
  readonly sizeBytes: number;
  /**
   * `good`: it was read whole, and is as it was written. `unverified`: only its first line was read. `damaged`: see `damage`;
   * `aside`: it was moved aside as damaged.
   */
  readonly state: "aside" | "damaged" | "good" | "unverified";
  /** `cleared`: from here on there was no state. Undefined: it can't be read. */
  readonly kind: Header["kind"] | undefined;
  readonly savedAt: string | undefined;
  readonly startedAt: string | undefined;
  readonly progress: Progress | undefined;
  /** The generation of which it is a copy, by a rollback. */
  readonly copyOf: number | undefined;
  readonly fingerprint: unknown;
  /** The name of its codec. */
  readonly codec: string | undefined;
  readonly damage: DamagedGeneration | undefined;
}

/** Describes all generations, the newest first. */
export async function historyOf<State>(place: Place<State>, verify: boolean): Promise<HistoryEntry[]> {
  const { generations, damaged } = await perform(place, listCheckpoint(place.dir));
  const all = [
    ...generations.map((generation) => ({ generation, part: "generation" as const })),
    ...damaged.map((generation) => ({ generation, part: "damaged" as const })),
  ].sort((a, b) => b.generation - a.generation);
  const entries: HistoryEntry[] = [];
  for (const { generation, part } of all) {
    const found = await perform(place, describeGeneration(place.dir, generation, part));
    if (!found) continue; // removed meanwhile
    const whole = verify && part === "generation" ? await perform(place, readGeneration(place.dir, generation)) : undefined;
    const { path, sizeBytes, header } = found;
    const damage = whole && "cause" in whole ? whole : undefined;
    const { kind, savedAt, startedAt, progress, copyOf, fingerprint, codec } = header ?? ({} as Partial<Header>);
    const state = part === "damaged" ? "aside" : damage || !header ? "damaged" : whole ? "good" : "unverified";
    entries.push({ generation, path, sizeBytes, state, kind, savedAt, startedAt, progress, copyOf, fingerprint, codec, damage });
  }
  return entries;
}
