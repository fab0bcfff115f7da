import { never } from "../../io/abort.ts";
import { currentMachine } from "../../io/current.ts";
import { run } from "../../io/run.ts";
import { TILE_COPIES, TILES_AT_ONCE, TILES_BUDGET_BYTES } from "../../util/limits.ts";
import { isBoolean } from "../../util/options.ts";
import { absolutePath } from "../../util/path.ts";
import type { PixelWindow } from "../geotiff/index.ts";
import { TYPES } from "../geotiff/types.ts";
import { indexPath, type WriteTileSetOptions, writeJob } from "../options.ts";
import type { WindowSource } from "../source.ts";
import { type TileSetResult, writeTileSet } from "../write-tile-set.ts";
import { carriedOf } from "./carried.ts";
import { InputFile } from "./input-file.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { heldBytes } from "./pieces.ts";
import { sidecarsOf } from "./sidecars.ts";
import { Tags } from "./tags.ts";
import { Windows } from "./windows.ts";

/** Options of {@link buildTileSet}: what is not given of place, no-data value and metadata is that of the input. */
export interface BuildTileSetOptions extends Omit<WriteTileSetOptions, "memoryBudgetBytes" | "resume"> {
  /** Memory for the tiles under way and for what is read ahead of the input, in bytes. Default 256 MiB. */
  readonly memoryBudgetBytes?: number | undefined;
  /** True: go on with what a call with the same input and the same options has finished before it failed or was killed. */
  readonly resume?: boolean | undefined;
}

/** What was written. */
export interface TileSetBuild extends TileSetResult {
  /** In words, what the input has beside its values that a tile set can't have: `"its colour table"`. */
  readonly notKept: readonly string[];
}

/**
 * Writes any GeoTIFF or COG as a tile set, value by value the same: see {@link writeTileSet} for what is promised.
 *
 * Reads strips and tiles, classic and BigTIFF, of both byte orders, all types of 8 to 64 bits, bands beside each other or one after
 * the other, without compression or with LZW, deflate, PackBits or (on Node 22.15) zstd. The first image is taken; overviews are not needed.
 *
 * Cost: that of `writeTileSet`. Each block of the input is read and decompressed once; those that several tiles need are in
 * memory so long, for strips all of a row of tiles. Needs the package `geotiff` (`npm install geotiff`).
 *
 * Not preserved: what `notKept` of the result names. What would put the raster in another place is refused instead.
 *
 * @param input The file. It must not change meanwhile.
 * @param path The index; its name must end in `.vrt` or `.gti.fgb`, and its directory must exist.
 * @throws {TypeError} or {RangeError} A wrong argument, or a memory budget that is too small for the blocks of the input.
 * @throws {HoldfastError} As `writeTileSet`, and, with outcome `unchanged`: `UNSUPPORTED` if `geotiff` is not installed, the input
 *   is no TIFF, has another type or compression, or a reference system without an EPSG code; `SOURCE_FAILED` if it is damaged.
 *
 * Source: TIFF 6.0; OGC 19-008 (GeoTIFF 1.1); the GDAL driver's page "GTiff -- GeoTIFF File Format".
 * @example
 * const { tileCount, notKept } = await buildTileSet("elevation.tif", "elevation.vrt", { tileSize: 512 });
 */
export async function buildTileSet(
  input: string | URL,
  path: string | URL,
  options: BuildTileSetOptions = {},
): Promise<TileSetBuild> {
  const [from, to] = [absolutePath(input), indexPath(path)];
  const wanted = isBoolean(options?.resume ?? false);
  if (wanted !== undefined) throw new RangeError(`option resume must be ${wanted}`);
  const machine = currentMachine();
  const signal = options.signal instanceof AbortSignal ? options.signal : never;
  const file = await InputFile.open(from, machine, signal);
  let windows: Windows | undefined;
  try {
    const tags = await Tags.of(file);
    const layout = layoutOf(tags, file);
    const { crs, geoTransform, metadata, nodata, resume, ...others } = options;
    const carried = carriedOf(tags, layout, { crs, geoTransform, metadata, nodata }, file);
    const reader = new Windows(layout, file, emptyOf(layout, carried.options.nodata));
    windows = reader;
    const { width, height, bands, dtype } = layout;
    const source: WindowSource = { width, height, bands, dtype, read: (window: PixelWindow) => reader.read(window) };
    const given = { ...others, ...carried.options, resume: resume ? file.version : undefined };
    writeJob(to, source, given); // refuses what is wrong before anything is calculated with it
    const beside = await run(sidecarsOf(from, carried.options.geoTransform !== undefined), machine.io, signal);
    const result = await writeTileSet(to, source, { ...given, ...share(layout, given) });
    return { ...result, notKept: [...carried.notKept, ...beside] };
  } finally {
    await windows?.settled();
    await file.close();
  }
}

/** What pixels have that the file has no block for. */
function emptyOf({ dtype }: Layout, nodata: bigint | number | undefined): bigint | number {
  const { bytes, range } = TYPES[dtype];
  return bytes === 8 && range ? BigInt(nodata ?? 0) : Number(nodata ?? 0);
}

/** What the tiles under way may have of the memory, and how many these may be: the rest is for pieces of the input. */
function share(
  layout: Layout,
  { tileSize = 256, concurrency = TILES_AT_ONCE, memoryBudgetBytes = TILES_BUDGET_BYTES }: WriteTileSetOptions,
): Required<Pick<WriteTileSetOptions, "concurrency" | "memoryBudgetBytes">> {
  const { width, height, bands, dtype } = layout;
  const tileBytes = Math.min(tileSize, width) * Math.min(tileSize, height) * bands * TYPES[dtype].bytes * TILE_COPIES;
  for (let atOnce = concurrency; atOnce > 0; atOnce--) {
    const left = memoryBudgetBytes - heldBytes(layout, tileSize, atOnce);
    if (left >= tileBytes * atOnce || (atOnce === 1 && left >= tileBytes))
      return { concurrency: atOnce, memoryBudgetBytes: left };
  }
  const needed = heldBytes(layout, tileSize, 1) + tileBytes;
  throw new RangeError(
    `option memoryBudgetBytes must be at least ${needed}: the input has blocks of ${layout.blockWidth} x ${layout.blockHeight}, ` +
      `of which a row of tiles needs so many at once; smaller tiles may need less`,
  );
}
