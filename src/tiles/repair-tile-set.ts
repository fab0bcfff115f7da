import type { Target } from "../core/target.ts";
import { HoldfastError } from "../errors.ts";
import { writeFile } from "../file/index.ts";
import { never } from "../io/abort.ts";
import { currentMachine, withMachine } from "../io/current.ts";
import type { Machine } from "../io/io.ts";
import { run } from "../io/run.ts";
import { checkOptions } from "../util/options.ts";
import { currentVersion } from "./current-version.ts";
import { type DamagedTile, examineTiles } from "./examine.ts";
import { removeAll } from "./generations.ts";
import { renderIndex } from "./index-file.ts";
import { indexPath, REPAIR, type RepairTileSetOptions } from "./options.ts";
import { asWriter } from "./place.ts";
import { recover } from "./recover.ts";

/** What was found, and done. */
export interface TileSetRepair {
  /** The index, without symbolic links. */
  readonly path: string;
  /** `rebuilt`: it was damaged or absent, and is again what it was. */
  readonly index: "intact" | "rebuilt";
  /** The directory with the tiles of the index. */
  readonly directory: string;
  readonly tileCount: number;
  /** Tiles that are not as they were written: only a good copy, or writing the set again, helps. */
  readonly damaged: readonly DamagedTile[];
  /** Directories of writes that were interrupted, which were removed. */
  readonly removed: readonly string[];
}

/**
 * Checks every tile of a tile set, and rebuilds an index that is lost or damaged, byte by byte as it was.
 *
 * Guarantee: the index is rebuilt from the newest generation that an index has named, never from one whose write was
 * interrupted. Tiles are not changed. It can be interrupted, and done again.
 *
 * @param path The index, which may be absent.
 * @throws {HoldfastError} `CORRUPT_TILES`: there is no generation to rebuild it from, or the manifest of the one that it names is
 *   damaged; `LOCKED` while it is written; outcome `unchanged`.
 */
export async function repairTileSet(path: string | URL, options?: RepairTileSetOptions): Promise<TileSetRepair> {
  const at = indexPath(path);
  const given = checkOptions(options, REPAIR);
  const machine = currentMachine();
  return await asWriter(at, given, machine, (target) => repair(target, machine, given.signal ?? never));
}

async function repair(target: Target, machine: Machine, signal: AbortSignal): Promise<TileSetRepair> {
  const { io } = machine;
  const { found, unfinished } = await run(recover(target), io, signal);
  const { index } = found;
  if (index === "foreign") {
    throw new HoldfastError("UNSUPPORTED", { what: "this index was not written by Holdfast", path: target.path });
  }
  const current = await run(currentVersion(found, target), io, signal);
  if (!current) {
    const what =
      typeof index === "object" ? "the manifest that the index names is damaged or gone" : "no version of it can be found";
    throw new HoldfastError("CORRUPT_TILES", { what, path: target.path });
  }
  const { manifest, digest, directory } = current;
  if (typeof index !== "object") {
    await withMachine(machine, () => writeFile(target.path, renderIndex(manifest, digest), { signal }));
  }
  const damaged = await examineTiles(machine, directory, manifest, signal);
  const removed = await run(removeAll(unfinished), io);
  const intact = typeof index === "object";
  return {
    path: target.path,
    index: intact ? "intact" : "rebuilt",
    directory,
    tileCount: manifest.tiles.length,
    damaged,
    removed,
  };
}
