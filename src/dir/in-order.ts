/** Commits to one target take effect in the order in which they were called. */
import type { Machine } from "../io/io.ts";
import { perMachine } from "../io/per-machine.ts";

const linesOf = perMachine(() => new Map<string, Promise<unknown>>());

/** Calls `body` once all earlier ones for `key` have settled. */
export async function inOrder<T>(machine: Machine, key: string, body: () => Promise<T>): Promise<T> {
  const lines = linesOf(machine);
  const before = lines.get(key) ?? Promise.resolve();
  const work = before.then(body);
  const settled = work.then(
    () => {},
    () => {},
  );
  lines.set(key, settled);
  try {
    return await work;
  } finally {
    if (lines.get(key) === settled) lines.delete(key);
  }
}
