/** What the demo is made of: acts, one for each thing that Holdfast does. A later part of Holdfast adds one to the list. */
import type { Output } from "../output.ts";
import type { Cell } from "../table.ts";
import type { Contender } from "./contenders.ts";
import type { Material } from "./material.ts";

/** What an act is given. */
export interface Stage {
  readonly material: Material;
  /** An empty directory of this act. */
  readonly dir: string;
  /** Whether Holdfast can remove leftovers of killed writers at once here. */
  readonly sweepsAtOnce: boolean;
  readonly contenders: readonly Contender[];
  readonly seed: number;
  /** How long the act may take, about. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** What an act has found. */
export interface Finding {
  /** Whether Holdfast did what it promises. */
  readonly holds: boolean;
  /** For programs. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Columns of the table at the end, with the cell of each contender by its name. */
  readonly headings: readonly string[];
  readonly cells: ReadonlyMap<string, readonly Cell[]>;
}

/** One act. */
export interface Act {
  /** Its key in the JSON result. */
  readonly id: string;
  /** What it shows, in one line. */
  readonly title: string;
  /** Its part of the time, against the other acts'. */
  readonly weight: number;
  readonly perform: (stage: Stage) => Promise<Finding>;
}
