/** Times that can be compared: what is measured takes turns, so that drift of the machine hits all alike. */
import { performance } from "node:perf_hooks";

/** The middle of a list of numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs every contender once per round, the order turned round each time, and returns the median time of each in
 * milliseconds and the fastest, with the ratio of each to `baseline`: the median of the ratios within one round.
 * `tidyUp` is called after each run, outside of its time.
 */
export async function takeTurns(contenders, { rounds, warmUp = 3, baseline, tidyUp }) {
  const names = Object.keys(contenders);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    const order = round % 2 === 0 ? names : [...names].reverse();
    for (const name of order) {
      const startMs = performance.now();
      await contenders[name](round);
      if (round >= 0) times[name].push(performance.now() - startMs);
      await tidyUp?.();
    }
  }
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        ms: median(times[name]),
        fastestMs: Math.min(...times[name]),
        ratio: baseline === undefined ? undefined : median(times[name].map((ms, round) => ms / times[baseline][round])),
      },
    ]),
  );
}

/** A number with so many digits after the point. */
export function round(value, digits = 2) {
  return Number(value.toFixed(digits));
}
