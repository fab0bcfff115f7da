/** Random choices that can be made again: the seed is printed, and HOLDFAST_SEED sets it. */
import { randomInt } from "node:crypto";
import type { TestContext } from "node:test";

export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `below` - 1 (mulberry32). */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  /** One of `choices`. */
  of<T>(...choices: readonly T[]): T {
    return choices[this.int(choices.length)] as T;
  }
}

/** New choices for a test. */
export function seeded(t: TestContext): Seeded {
  const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(2 ** 31));
  t.diagnostic(`HOLDFAST_SEED=${seed}`);
  return new Seeded(seed);
}
