/** The place of a tile set: its index, found, and locked against other writers. */
import { resolveTarget, type Target } from "../core/target.ts";
import { HoldfastError } from "../errors.ts";
import { indexForm } from "../format/tile-set.ts";
import { never } from "../io/abort.ts";
import type { Machine } from "../io/io.ts";
import type { Program } from "../io/program.ts";
import { run } from "../io/run.ts";
import { withLock } from "../lock/index.ts";
import { formAt, type RepairTileSetOptions } from "./options.ts";

/** Finds the index. A link is followed: tiles are beside what it leads to. */
export function* findIndex(path: string): Program<Target> {
  const target = yield* resolveTarget(path, "follow");
  const form = formAt(path);
  if (form === indexForm(target.name)) return target;
  const what = `the path leads to a file whose name does not end in .${form}`;
  throw new HoldfastError("INVALID_NAME", { what, path: target.path });
}

/** Calls `body` as the only writer of a tile set. The lock file, which has the name of the index and `.lock`, stays. */
export async function asWriter<T>(
  path: string,
  { lockTimeoutMs, signal }: RepairTileSetOptions,
  machine: Machine,
  body: (target: Target) => Promise<T>,
): Promise<T> {
  const target = await run(findIndex(path), machine.io, signal ?? never);
  return await withLock(`${target.path}.lock`, () => body(target), { timeoutMs: lockTimeoutMs, signal });
}
