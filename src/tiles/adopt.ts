/**
 * Tiles of another program, of which the values are taken over. Nothing says which source they were made of: that is the word of the
 * caller who asks for it. What can be checked is: that a tile is whole, and is the tile that would be made.
 */
import { isHoldfastError } from "../errors.ts";
import type { Machine } from "../io/io.ts";
import { list, lstat, type Program } from "../io/program.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { ADOPTED_BYTES_EXTRA } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { readOr } from "./generations.ts";
import { decodeGeoTiff, tagsIn } from "./geotiff/decode.ts";
import { nodataNumber } from "./geotiff/geo.ts";
import type { GeoTransform, RasterData } from "./geotiff/index.ts";
import { TYPES } from "./geotiff/types.ts";
import { type Where, whereIs } from "./geotiff/where.ts";
import { gridOf, transformOf } from "./manifest.ts";
import type { WriteJob } from "./options.ts";
import type { TileWork } from "./source.ts";

/** What other programs call a tile: row and column, with any number of zeros before them. */
const TILE = /^tile_(\d{1,10})_(\d{1,10})\.tiff?$/;

/** Files that may be tiles, by their place: see {@link placeIn}. */
export type Foreign = ReadonlyMap<number, string>;

const placeIn = (row: number, col: number, cols: number): number => row * cols + col;

/** The files of a directory that have the name of a tile. Where two have that of one, neither is it. */
export function* foreignTiles({ raster }: WriteJob, dir: string): Program<Foreign> {
  const { rows, cols } = gridOf(raster);
  const tiles = new Map<number, string>();
  const twice = new Set<number>();
  for (const { name, kind } of yield* list(dir)) {
    const [, row, col] = (kind === "file" && TILE.exec(name)) || [];
    if (row === undefined || Number(row) >= rows || Number(col) >= cols) continue;
    const place = placeIn(Number(row), Number(col), cols);
    if (tiles.has(place)) twice.add(place);
    tiles.set(place, pathIn(dir, name));
  }
  for (const place of twice) tiles.delete(place);
  return tiles;
}

/** The values of a tile of the other program; undefined: there is none that is whole and this tile. */
export async function adopted(
  machine: Machine,
  job: WriteJob,
  foreign: Foreign,
  work: TileWork,
  signal: AbortSignal,
): Promise<RasterData | undefined> {
  const path = foreign.get(placeIn(work.row, work.col, gridOf(job.raster).cols));
  if (path === undefined) return undefined;
  const bytes = await slotsOf(machine).programs.use(signal, () => run(readUpTo(path, sizeMaxOf(job)), machine.io, signal));
  if (!bytes || hasEmptyPage(bytes)) return undefined;
  try {
    const { dtype, bands } = job.raster;
    const image = await decodeGeoTiff(bytes, path);
    const { width, height } = work.window;
    const isSame = image.width === width && image.height === height && image.bands === bands && image.dtype === dtype;
    return isSame && isThere(whereIs(tagsIn(bytes)), job, work) ? image.data : undefined;
  } catch (error) {
    if (isHoldfastError(error, "UNSUPPORTED")) return undefined;
    throw error;
  }
}

/** More than a tile of this size has, however badly it was compressed, is not read. */
const sizeMaxOf = ({ raster: { tileSize, bands, dtype } }: WriteJob): number =>
  2 * tileSize * tileSize * bands * TYPES[dtype].bytes + ADOPTED_BYTES_EXTRA;

function* readUpTo(path: string, sizeMax: number): Program<Uint8Array | undefined> {
  const found = yield* lstat(path);
  return found?.kind === "file" && found.sizeBytes <= sizeMax ? yield* readOr(path) : undefined;
}

const PAGE_BYTES = 4096;

/** What was not written before the power went is zeros, a page at least. Where that is what was written, it is made again. */
function hasEmptyPage(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    if (bytes.subarray(at, at + PAGE_BYTES).every((byte) => byte === 0)) return true;
  }
  return false;
}

function isThere(where: Where | undefined, { raster }: WriteJob, { window }: TileWork): boolean {
  if (!where || where.epsg !== raster.crs?.epsg) return false;
  return (
    isSameNodata(where.nodata, raster.nodata) && isSamePlace(where.transform, transformOf(raster.geoTransform, window), window)
  );
}

function isSameNodata(found: string | undefined, wanted: string | undefined): boolean {
  if (found === undefined || wanted === undefined || found === wanted) return found === wanted;
  const [a, b] = [found, wanted].map(nodataNumber);
  return Object.is(a, b) && (Number.isNaN(a) || !Number.isInteger(a) || Number.isSafeInteger(a));
}

/** Parts of a pixel by which its corners may be apart: other programs add up in another order. */
const APART_MAX = 1e-3;

function isSamePlace(
  found: GeoTransform | undefined,
  wanted: GeoTransform | undefined,
  { width, height }: TileWork["window"],
): boolean {
  if (!found || !wanted) return found === wanted;
  const [, dx, rx, , ry, dy] = wanted;
  const pixel = Math.min(Math.hypot(dx, ry), Math.hypot(rx, dy));
  const cornersOf = ([x, dx, rx, y, ry, dy]: GeoTransform): number[] =>
    [
      [0, 0],
      [width, 0],
      [0, height],
    ].flatMap(([column = 0, row = 0]) => [x + column * dx + row * rx, y + column * ry + row * dy]);
  const corners = cornersOf(wanted);
  return cornersOf(found).every((value, at) => Math.abs(value - (corners[at] ?? 0)) <= APART_MAX * pixel);
}
