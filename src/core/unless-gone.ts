import { errnoOf } from "../errors.ts";
import type { Program } from "../io/program.ts";

/** Undefined, instead of an error, if what the step is about is gone already: two may remove one thing. */
export function* unlessGone<T>(step: Program<T>): Program<T | undefined> {
  try {
    return yield* step;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
