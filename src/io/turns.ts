/** Turns of the event loop, for a simulator that has to see when nothing more happens by itself. */

/** Resolves when every promise that could settle by itself has settled: the loop runs all microtasks before this. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
