/** Random numbers that a seed repeats. */

/** A source of numbers in [0, 1): mulberry32, 32 bits of state, enough to draw samples and names from. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An integer in [0, `bound`). */
export function below(random: () => number, bound: number): number {
  return Math.floor(random() * bound);
}
