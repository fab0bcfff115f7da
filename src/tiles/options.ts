/** Arguments of the functions of tile sets, checked before anything is touched. */
import type { Durability } from "../core/prepare.ts";
import { type IndexForm, indexForm } from "../format/tile-set.ts";
import {
  LOCK_TIMEOUT_MAX_MS,
  TILE_COPIES,
  TILE_SIDE_MAX,
  TILES_AT_ONCE,
  TILES_AT_ONCE_MAX,
  TILES_BUDGET_BYTES,
  TILES_GRACE_MAX_MS,
  TILES_GRACE_MS,
} from "../util/limits.ts";
import { type Check, checkOptions, integer, isFunction, isSignal, oneOf } from "../util/options.ts";
import { absolutePath } from "../util/path.ts";
import { compressor } from "./geotiff/compress.ts";
import type { GeoTiffOptions } from "./geotiff/index.ts";
import { GEOTIFF_CHECKS, planImage } from "./geotiff/options.ts";
import { TYPES } from "./geotiff/types.ts";
import { checkGti } from "./gti/gti.ts";
import { gridOf, type Raster } from "./manifest.ts";
import { type Shape, shapeOf, type TileSource } from "./source.ts";
import { fitsXml } from "./xml.ts";

/** How far a write is. */
export interface TileProgress {
  readonly tilesDone: number;
  readonly tileCount: number;
  /** Bytes of the tiles that are done. */
  readonly sizeBytes: number;
}

/** Options of {@link writeTileSet}. */
export interface WriteTileSetOptions extends Omit<GeoTiffOptions, "bigTiff"> {
  /** Side of a tile in pixels, from 1 to 16384. Default 256. */
  readonly tileSize?: number | undefined;
  /** Names of the values 0, 1, 2 ..., for the index. GDAL does not see them in a `.gti.fgb`. Default none. */
  readonly categories?: readonly string[] | undefined;
  /** Tiles that are made and written at once, from 1 to 128. Default 8; fewer where `memoryBudgetBytes` asks for it. */
  readonly concurrency?: number | undefined;
  /** Memory for the tiles under way, in bytes. Default 256 MiB. What a source holds by itself is not counted. */
  readonly memoryBudgetBytes?: number | undefined;
  /**
   * A name for what the source has, such as a version. The tiles that a call with the same name and the same other options has
   * finished before it failed or was killed are checked and taken over; so they are kept after a failure. Each tile then ends in
   * 40 bytes more, which readers don't look at.
   */
  readonly resume?: string | undefined;
  /** How long the tiles of a replaced index stay for readers that hold no lock, as GDAL, in milliseconds. Default 60000. */
  readonly graceMs?: number | undefined;
  /**
   * What to do if other programs have left a directory `NAME_tiles` with content, as a writer that was killed does: `"refuse"`,
   * the default; `"quarantine"`, which renames it; or `"adopt"`, which takes the values of its tiles (`tile_ROW_COL.tif`) in place of
   * those of a source with `read`, if they are whole and the tiles of this raster, and renames it after the commit. They must be of
   * this source: nothing but you knows. Where a version was committed before, `"adopt"` is `"quarantine"`.
   */
  readonly leftovers?: "adopt" | "quarantine" | "refuse" | undefined;
  /** Default `"durable"`. */
  readonly durability?: Durability | undefined;
  /** Longest wait for another writer of this tile set, in milliseconds. Default 10000. */
  readonly lockTimeoutMs?: number | undefined;
  /** Gives the write up, until its commit. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each tile. */
  readonly onProgress?: ((progress: TileProgress) => void) | undefined;
}

/** Options of {@link repairTileSet}. */
export type RepairTileSetOptions = Pick<WriteTileSetOptions, "lockTimeoutMs" | "signal">;

const atLeastOne =
  (max: number): Check =>
  (value) =>
    value === 0 ? `an integer from 1 to ${max}` : integer(max)(value);

const areTexts: Check = (value) =>
  Array.isArray(value) && value.every((text) => typeof text === "string" && fitsXml(text))
    ? undefined
    : "an array of texts without control characters";

export const REPAIR = { lockTimeoutMs: integer(LOCK_TIMEOUT_MAX_MS), signal: isSignal };

const { bigTiff: _, ...IMAGE } = GEOTIFF_CHECKS;
const WRITE = {
  ...IMAGE,
  ...REPAIR,
  tileSize: atLeastOne(TILE_SIDE_MAX),
  categories: areTexts,
  concurrency: atLeastOne(TILES_AT_ONCE_MAX),
  memoryBudgetBytes: atLeastOne(Number.MAX_SAFE_INTEGER),
  resume: ((value) => (typeof value === "string" && value !== "" ? undefined : "a text that is not empty")) satisfies Check,
  graceMs: integer(TILES_GRACE_MAX_MS),
  leftovers: oneOf("refuse", "quarantine", "adopt"),
  durability: oneOf("atomic", "durable", "volatile"),
  onProgress: isFunction,
};

/** One call of {@link writeTileSet}, with all that can be wrong checked. */
export interface WriteJob {
  readonly path: string;
  readonly raster: Raster;
  readonly shape: Shape;
  /** How each tile is encoded, apart from where it is. */
  readonly encoding: GeoTiffOptions;
  /** Tiles that are under way at most. */
  readonly atOnce: number;
  readonly graceMs: number;
  readonly leftovers: NonNullable<WriteTileSetOptions["leftovers"]>;
  readonly durability: Durability;
  readonly resume: string | undefined;
  readonly lockTimeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: TileProgress) => void;
}

/** @throws {TypeError} or {RangeError} */
export function writeJob(path: string | URL, source: TileSource, options: WriteTileSetOptions | undefined): WriteJob {
  const at = indexPath(path);
  const given = checkOptions(options, WRITE);
  const shape = shapeOf(source);
  const { tileSize = 256, concurrency = TILES_AT_ONCE, memoryBudgetBytes = TILES_BUDGET_BYTES } = given;
  const { crs, geoTransform, nodata, metadata, blockSize, compression, level, predictor, overviews } = given;
  const encoding: GeoTiffOptions = { crs, nodata, blockSize, compression, level, predictor, overviews };
  const { width, height, bands, dtype } = planImage(shape, { crs, geoTransform, nodata, metadata });
  const raster = { width, height, bands, dtype, tileSize };
  const side = { width: Math.min(tileSize, width), height: Math.min(tileSize, height) };
  const plan = planImage({ ...shape, ...side }, { ...encoding, geoTransform, metadata });
  compressor(plan.compression, plan.level); // refuses what this Node has not
  const { geo } = plan;
  const tileBytes = side.width * side.height * bands * TYPES[dtype].bytes * TILE_COPIES;
  if (tileBytes > memoryBudgetBytes) {
    throw new RangeError(
      `option memoryBudgetBytes must be at least ${tileBytes}, for one tile of this size; or make tileSize smaller`,
    );
  }
  if (!Number.isSafeInteger(gridOf(raster).rows * gridOf(raster).cols)) throw new RangeError("option tileSize is too small");
  const whole: Raster = {
    ...raster,
    crs: geo.crs,
    geoTransform: geo.transform,
    nodata: geo.nodata,
    metadata: geo.metadata,
    categories: given.categories ?? [],
  };
  if (formAt(at) === "gti.fgb") checkGti(whole);
  return {
    path: at,
    raster: whole,
    shape,
    encoding,
    atOnce: Math.min(concurrency, Math.floor(memoryBudgetBytes / tileBytes)),
    graceMs: given.graceMs ?? TILES_GRACE_MS,
    leftovers: given.leftovers ?? "refuse",
    durability: given.durability ?? "durable",
    resume: given.resume,
    lockTimeoutMs: given.lockTimeoutMs,
    signal: given.signal,
    onProgress: given.onProgress ?? (() => {}),
  };
}

/** The path of an index. */
export function indexPath(path: string | URL): string {
  const at = absolutePath(path);
  if (formAt(at)) return at;
  throw new RangeError(`path must be a name that ends in .vrt or .gti.fgb; it is ${JSON.stringify(nameAt(at))}`);
}

/** The form of the index at a path. */
export const formAt = (path: string): IndexForm | undefined => indexForm(nameAt(path));

const nameAt = (path: string): string => path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
