/** How core programs are finished in sweeps of their own: durable, replacing, with nobody to overtake. */
import type { Finish } from "../../dist/core/replace.js";

export const FINISH: Finish = {
  attributes: { mode: undefined, existing: undefined },
  syncFile: true,
  overtake: () => [],
  ifAbsent: false,
  barrier: true,
  heldBudgetMs: 0,
};
