/** Checkpoints in tests: saved, damaged and looked at. */
import path from "node:path";
import { Checkpoint, type Loaded, type OpenCheckpointOptions } from "holdfast/checkpoint";
import type { SimDisk } from "holdfast/sim";
import { decodeGeneration } from "../../dist/format/checkpoint.js";
import { lockNote } from "../../dist/format/lock-note.js";

/** Where it is on simulated disks. */
export const DIR = "/app/job";

/** With a lock file: under "paranoid", blocks of other files in a new one make it no lock file (docs/format/lock.md). */
export const withLockFile = (disk: SimDisk): void => disk.writeFile(`${DIR}/checkpoint.lock`, lockNote(undefined));

/** A state of some length that says which one it is. */
export interface State {
  readonly count: number;
  readonly text?: string;
}

/** Opens it for a run, and closes it whatever `use` does. */
export async function inRun<T, S = State>(
  dir: string,
  use: (checkpoint: Checkpoint<S>) => Promise<T>,
  options?: OpenCheckpointOptions<S>,
): Promise<T> {
  const checkpoint = await Checkpoint.open<S>(dir, options);
  try {
    return await use(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

/** What a reader finds. */
export async function loaded<S = State>(dir: string, options?: OpenCheckpointOptions<S>): Promise<Loaded<S>> {
  const reader = await Checkpoint.open<S>(dir, { ...options, readOnly: true });
  return await reader.load();
}

/** Saves states that count up. */
export const savedUpTo = (dir: string, last: number, options?: OpenCheckpointOptions<State>): Promise<void> =>
  inRun(
    dir,
    async (checkpoint) => {
      for (let count = 1; count <= last; count++) await checkpoint.save({ count }, { progress: { done: count, total: 1000 } });
    },
    options,
  );

export const generationPath = (dir: string, generation: number): string =>
  path.join(dir, `generation-${String(generation).padStart(12, "0")}`);

/** What one generation on a simulated disk has: the state, as JSON, or what is wrong. */
export function stateOn(disk: SimDisk): string {
  const found = Object.keys(disk.tree())
    .filter((name) => name.startsWith(`${DIR}/generation-`))
    .sort()
    .reverse();
  for (const name of found) {
    const bytes = disk.readFile(name);
    const decoded = bytes && decodeGeneration(bytes, Number(name.slice(-12)));
    if (decoded && "state" in decoded) return `${decoded.header.kind} ${Buffer.from(decoded.state).toString()}`;
  }
  return found.length > 0 ? "damaged" : "absent";
}
