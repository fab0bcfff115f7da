/** A new generation, under a name that nobody has: the commit point of a checkpoint. */
import { HoldfastError, isHoldfastError } from "../errors.ts";
import { type WriteResult, writeFile, writeFileSync } from "../file/index.ts";
import { checkpointName, type Header } from "../format/checkpoint.ts";
import { withMachine } from "../io/current.ts";
import { lstat } from "../io/program.ts";
import { notify } from "../util/notices.ts";
import { pathIn } from "../util/path.ts";
import type { Encoded } from "./codec.ts";
import { generationContent } from "./encode.ts";
import { type Place, perform } from "./place.ts";
import type { Shelf } from "./shelf.ts";

/** What a save has written. */
export interface SaveResult {
  readonly generation: number;
  /** Size of its file. */
  readonly sizeBytes: number;
  /** The level that was reached: less than asked where the file system gives no more. */
  readonly durability: WriteResult["durability"];
}

/** Publishes a generation, of which `state` may be asked for twice, and whose number is then taken whatever happens. */
export async function publishGeneration<State>(
  place: Place<State>,
  shelf: Shelf,
  header: Header,
  state: () => Encoded,
): Promise<SaveResult> {
  const { generation } = header;
  const path = pathIn(place.dir, checkpointName("generation", generation));
  try {
    const { sizeBytes, durability } = await writeNew(place, path, () => generationContent(header, state()));
    noteGood(shelf, header);
    return { generation, sizeBytes, durability };
  } catch (error) {
    if (isHoldfastError(error) && error.outcome !== "unchanged") shelf.there.add(generation);
    throw error;
  }
}

/** The synchronous twin, for the end of the process. */
export function publishGenerationSync<State>(place: Place<State>, header: Header, state: Encoded): void {
  const content = generationContent(header, state);
  const path = pathIn(place.dir, checkpointName("generation", header.generation));
  if (typeof content === "object" && Symbol.asyncIterator in content) {
    notify({ type: "save-failed", path, cause: new TypeError("a codec that has to be waited for can't save at the end") });
    return;
  }
  const { durability } = place;
  withMachine(place.machine, () => writeFileSync(path, content, { durability, ifAbsent: true }));
}

function noteGood(shelf: Shelf, header: Header): void {
  shelf.there.add(header.generation);
  shelf.good.set(header.generation, header);
}

/**
 * Writes a file under a new name, never over another. Where the file system has no hard links, the lock of the run is what keeps
 * the name free.
 */
export async function writeNew<State>(
  place: Place<State>,
  path: string,
  content: () => Parameters<typeof writeFile>[1],
): Promise<WriteResult> {
  const { machine, durability } = place;
  const write = (ifAbsent: boolean): Promise<WriteResult> =>
    withMachine(machine, () => writeFile(path, content(), { durability, ifAbsent }));
  try {
    return await write(true);
  } catch (error) {
    if (isHoldfastError(error, "EXISTS"))
      throw new HoldfastError("EXISTS", { what: "another run has saved this generation: it is not alone", path, cause: error });
    if (!isHoldfastError(error, "UNSUPPORTED") || (await perform(place, lstat(path)))) throw error;
    return await write(false);
  }
}
