/** Steps that need claims, with all the claims that they need. */
import type { Program } from "../io/program.ts";
import { Unclaimed } from "./changes.ts";
import { claim, ownIdsOf } from "./claims.ts";
import type { Unit } from "./unit.ts";

/**
 * Does a step, and claims what it finds to be unclaimed before it does anything; then it looks again, as others may have changed
 * what it has seen. Not in a slot: it may wait for others.
 */
export function* claimed<T>(unit: Unit, step: () => Program<T | Unclaimed>, notForOwn: boolean): Program<T> {
  const patience = { timeoutMs: unit.lockTimeoutMs, notForOwn };
  for (;;) {
    const done = yield* step();
    if (!(done instanceof Unclaimed)) return done;
    yield* claim(unit.claims, done.path, patience, ownIdsOf(unit.machine));
  }
}
