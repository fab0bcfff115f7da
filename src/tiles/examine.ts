/** The tiles of a generation, compared with its manifest. */
import { errnoOf, isHoldfastError } from "../errors.ts";
import type { Machine } from "../io/io.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { TILES_READ_AT_ONCE } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { readOr } from "./generations.ts";
import { type Manifest, sha256, type TileRecord } from "./manifest.ts";

/** A tile that is not as it was written. */
export interface DamagedTile {
  readonly row: number;
  readonly col: number;
  readonly path: string;
  readonly damage: "changed" | "missing" | "truncated" | "unreadable";
}

/** The bytes of a tile, or what is wrong with it. */
export async function readTile(
  machine: Machine,
  directory: string,
  tile: TileRecord,
  signal: AbortSignal,
): Promise<DamagedTile | Uint8Array> {
  const { row, col, name, sizeBytes } = tile;
  const path = pathIn(directory, name);
  let bytes: Uint8Array | undefined;
  try {
    bytes = await slotsOf(machine).programs.use(signal, () => run(readOr(path), machine.io, signal));
  } catch (error) {
    if (!isHoldfastError(error, "IO") || errnoOf(error) !== "EIO") throw error; // what the disk can't read is damage of this tile
    return { row, col, path, damage: "unreadable" };
  }
  if (bytes === undefined) return { row, col, path, damage: "missing" };
  if (bytes.length < sizeBytes) return { row, col, path, damage: "truncated" };
  return sha256(bytes) === tile.sha256 ? bytes : { row, col, path, damage: "changed" };
}

/** All tiles that are not as the manifest says. */
export async function examineTiles(
  machine: Machine,
  directory: string,
  { tiles }: Manifest,
  signal: AbortSignal,
): Promise<DamagedTile[]> {
  const damaged: DamagedTile[] = [];
  const waiting = tiles.values();
  const worker = async (): Promise<void> => {
    for (const tile of waiting) {
      const found = await readTile(machine, directory, tile, signal);
      if (!(found instanceof Uint8Array)) damaged.push(found);
    }
  };
  await Promise.all(Array.from({ length: TILES_READ_AT_ONCE }, worker));
  return damaged.sort((a, b) => a.row - b.row || a.col - b.col);
}
