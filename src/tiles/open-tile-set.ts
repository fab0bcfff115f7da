import type { Target } from "../core/target.ts";
import { errnoOf, HoldfastError, isHoldfastError } from "../errors.ts";
import { MANIFEST_NAME, READERS_LOCK_NAME } from "../format/tile-set.ts";
import { abortError, never } from "../io/abort.ts";
import { currentMachine, withMachine } from "../io/current.ts";
import type { Machine } from "../io/io.ts";
import { run } from "../io/run.ts";
import { type Lock, tryLock } from "../lock/index.ts";
import { TILES_LOOKS_MAX, TILES_READ_AT_ONCE } from "../util/limits.ts";
import { checkOptions, isSignal } from "../util/options.ts";
import { pathIn } from "../util/path.ts";
import { type DamagedTile, examineTiles, readTile } from "./examine.ts";
import { readOr } from "./generations.ts";
import { decodeGeoTiff } from "./geotiff/decode.ts";
import type { DataType, GeoTransform, PixelWindow, RasterData } from "./geotiff/index.ts";
import { bytesOf, TYPES } from "./geotiff/types.ts";
import { parseIndex } from "./index-file.ts";
import { decodeManifest, gridOf, type Manifest, sha256, type TileRecord, windowOf } from "./manifest.ts";
import { indexPath } from "./options.ts";
import { findIndex } from "./place.ts";
import type { Pointer } from "./pointer.ts";

/** Options of {@link openTileSet}. */
export interface OpenTileSetOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link TileSet.read}. */
export interface ReadWindowOptions {
  /** What pixels get whose tile is damaged or missing. Default: such a tile is an error. */
  readonly fill?: bigint | number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The values of a window. */
export interface WindowData {
  /** Row by row from the top left, the bands of one pixel beside each other. */
  readonly data: RasterData;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  /** Tiles whose pixels have the value `fill`. */
  readonly holes: readonly DamagedTile[];
}

/** One tile of a tile set. */
export interface TileFacts {
  readonly row: number;
  readonly col: number;
  /** Its file, in {@link TileSet.directory}. */
  readonly name: string;
  readonly sizeBytes: number;
}

const OPEN = { signal: isSignal };
const READ = {
  ...OPEN,
  fill: (value: unknown) => (typeof value === "number" || typeof value === "bigint" ? undefined : "a number"),
};

/**
 * Opens a tile set that {@link writeTileSet} has written, to read windows of it.
 *
 * Guarantee: all that is read is of one version, the one that the index named at the call, also while others replace it: its
 * tiles stay until {@link TileSet.close}, or the end of the process. Every tile is checked against its digest before a value of it
 * is given.
 *
 * Cost: a read of the index and the manifest, and a shared lock that is held.
 *
 * @throws {HoldfastError} `NOT_FOUND`: there is no index; `CORRUPT_TILES`: the index or its manifest is damaged, or its tiles are
 *   gone (see {@link repairTileSet}); `UNSUPPORTED`: other programs wrote the index.
 * @example
 * const set = await openTileSet("elevation.vrt");
 * try {
 *   const { data } = await set.read({ x: 0, y: 0, width: 512, height: 512 });
 * } finally {
 *   await set.close();
 * }
 */
export async function openTileSet(path: string | URL, options?: OpenTileSetOptions): Promise<TileSet> {
  const at = indexPath(path);
  const { signal = never } = checkOptions(options, OPEN);
  const machine = currentMachine();
  const target = await run(findIndex(at), machine.io, signal);
  let before: string | undefined;
  for (let look = 0; look < TILES_LOOKS_MAX; look++) {
    if (signal.aborted) throw abortError(signal);
    const pointer = await readPointer(target, machine, signal);
    const directory = pathIn(target.dir, pointer.directory);
    const pin = await pinned(directory, machine);
    const bytes = pin === "gone" ? undefined : await run(readOr(pathIn(directory, MANIFEST_NAME)), machine.io, signal);
    if (bytes && pin !== "gone") {
      try {
        if (sha256(bytes) !== pointer.manifestSha256)
          throw damage("its manifest is not the one that the index names", target.path);
        return new TileSet(machine, target.path, directory, decodeManifest(bytes, target.path), pin);
      } catch (error) {
        await pin?.release();
        throw error;
      }
    }
    if (pin !== "gone") await pin?.release();
    // A generation that is gone is one that was replaced since the index was read, so the index must be another now.
    if (before === pointer.directory) throw damage("the tiles that the index names are gone", target.path);
    before = pointer.directory;
  }
  throw new HoldfastError("BUSY", { what: "the tile set was replaced again and again while it was opened", path: target.path });
}

const damage = (what: string, path: string): HoldfastError => new HoldfastError("CORRUPT_TILES", { what, path });

async function readPointer({ path, dir }: Target, machine: Machine, signal: AbortSignal): Promise<Pointer> {
  const bytes = await run(readOr(path), machine.io, signal);
  if (!bytes) throw new HoldfastError("NOT_FOUND", { what: "there is no index", path, details: { directory: dir } });
  const pointer = parseIndex(bytes);
  if (pointer === "damaged") throw damage("the index is not as it was written", path);
  if (pointer === "foreign") {
    throw new HoldfastError("UNSUPPORTED", {
      what: "this index was not written by Holdfast",
      path,
    });
  }
  return pointer;
}

/** A lock that keeps the tiles; undefined where none can be had, as on read-only media; `gone`: it is being removed, or was. */
async function pinned(directory: string, machine: Machine): Promise<Lock | "gone" | undefined> {
  try {
    const lock = await withMachine(machine, () => tryLock(pathIn(directory, READERS_LOCK_NAME), { shared: true }));
    return lock ?? "gone";
  } catch (error) {
    // Also if it went between two of the requests that a lock takes.
    if (isHoldfastError(error, "NOT_FOUND") || errnoOf(error) === "ENOENT") return "gone";
    if (isHoldfastError(error, "READ_ONLY", "PERMISSION", "UNSUPPORTED")) return undefined;
    throw error;
  }
}

/** One version of a tile set, open for reading. Made by {@link openTileSet}. */
export class TileSet {
  /** The index, without symbolic links. */
  readonly path: string;
  /** The directory with the tiles of this version. */
  readonly directory: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Side of a tile in pixels. */
  readonly tileSize: number;
  readonly geoTransform: GeoTransform | undefined;
  /** EPSG code of the coordinate reference system. */
  readonly epsg: number | undefined;
  /** The value of pixels without data, as a text: `"nan"`, say, or an integer of 64 bits. */
  readonly nodata: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly categories: readonly string[];
  /** All tiles, row by row. */
  readonly tiles: readonly TileFacts[];
  /** False where no lock can be had (read-only media, a directory of others): then its tiles stay for the grace period only. */
  readonly pinned: boolean;
  readonly #machine: Machine;
  readonly #manifest: Manifest;
  readonly #pin: Lock | undefined;
  #closed = false;

  /** @internal */
  constructor(machine: Machine, path: string, directory: string, manifest: Manifest, pin: Lock | undefined) {
    const { width, height, bands, dtype, tileSize, geoTransform, crs, nodata, metadata, categories } = manifest.raster;
    this.path = path;
    this.directory = directory;
    this.width = width;
    this.height = height;
    this.bands = bands;
    this.dtype = dtype;
    this.tileSize = tileSize;
    this.geoTransform = geoTransform;
    this.epsg = crs?.epsg;
    this.nodata = nodata;
    this.metadata = metadata;
    this.categories = categories;
    this.tiles = manifest.tiles.map(({ row, col, name, sizeBytes }) => ({ row, col, name, sizeBytes }));
    this.pinned = pin !== undefined;
    this.#machine = machine;
    this.#manifest = manifest;
    this.#pin = pin;
  }

  /**
   * Reads the values of a window, from as many tiles as it touches.
   *
   * @throws {RangeError} The window is not within the raster, or has no pixels.
   * @throws {HoldfastError} `CORRUPT_TILES` with `row`, `col` and `damage` in its details: a tile is not as it was written. Other
   *   windows can be read. `UNSUPPORTED`: a tile was given encoded, in a form that only GDAL reads. `CLOSED`.
   */
  async read(window: PixelWindow, options?: ReadWindowOptions): Promise<WindowData> {
    const { fill, signal = never } = checkOptions(options, READ);
    if (this.#closed) throw new HoldfastError("CLOSED", { path: this.path });
    checkWindow(window, this);
    const { width, height } = window;
    const type = TYPES[this.dtype];
    const bytes = new Uint8Array(width * height * this.bands * type.bytes);
    const data = type.view(bytes);
    if (fill !== undefined) data.fill((type.bytes === 8 && type.range ? BigInt(fill) : Number(fill)) as never);
    const holes: DamagedTile[] = [];
    const waiting = tilesIn(this.#manifest, window);
    const worker = async (): Promise<void> => {
      for (const tile of waiting) {
        const found = await readTile(this.#machine, this.directory, tile, signal);
        if (found instanceof Uint8Array) this.#copy(await decodeGeoTiff(found, tile.name), tile, bytes, window);
        else if (fill === undefined) throw damagedTile(found);
        else holes.push(found);
      }
    };
    await Promise.all(Array.from({ length: TILES_READ_AT_ONCE }, worker));
    return { data, width, height, bands: this.bands, holes };
  }

  #copy(
    image: { readonly data: RasterData; readonly width: number },
    tile: TileRecord,
    into: Uint8Array,
    window: PixelWindow,
  ): void {
    const at = windowOf(this.#manifest.raster, tile.row, tile.col);
    const pixelBytes = this.bands * TYPES[this.dtype].bytes;
    const from = bytesOf(image.data);
    const [left, right] = [Math.max(at.x, window.x), Math.min(at.x + at.width, window.x + window.width)];
    const bottom = Math.min(at.y + at.height, window.y + window.height);
    for (let y = Math.max(at.y, window.y); y < bottom; y++) {
      const start = ((y - at.y) * image.width + left - at.x) * pixelBytes;
      const to = ((y - window.y) * window.width + left - window.x) * pixelBytes;
      into.set(from.subarray(start, start + (right - left) * pixelBytes), to);
    }
  }

  /** Compares every tile with its size and digest, and gives those that are not as they were written. */
  async verify(options?: OpenTileSetOptions): Promise<readonly DamagedTile[]> {
    const { signal = never } = checkOptions(options, OPEN);
    if (this.#closed) throw new HoldfastError("CLOSED", { path: this.path });
    return await examineTiles(this.#machine, this.directory, this.#manifest, signal);
  }

  /** Lets go of the version: its tiles may be removed once it is replaced. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pin?.release();
  }

  /** As {@link TileSet.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function damagedTile({ row, col, path, damage: how }: DamagedTile): HoldfastError {
  const what = `the tile of row ${row}, column ${col} is ${how}`;
  return new HoldfastError("CORRUPT_TILES", { what, path, details: { row, col, damage: how } });
}

function checkWindow(window: unknown, { width, height }: TileSet): void {
  if (typeof window !== "object" || window === null) throw new TypeError("window must be an object of x, y, width and height");
  const { x, y, width: w, height: h } = window as PixelWindow;
  const fits = [x, y, w, h].every(Number.isInteger) && x >= 0 && y >= 0 && w >= 1 && h >= 1 && x + w <= width && y + h <= height;
  if (!fits) throw new RangeError(`window must lie within ${width} x ${height} pixels; it is ${JSON.stringify(window)}`);
}

function* tilesIn({ raster, tiles }: Manifest, window: PixelWindow): Generator<TileRecord> {
  const { cols } = gridOf(raster);
  const last = (from: number, size: number): number => Math.floor((from + size - 1) / raster.tileSize);
  for (let row = Math.floor(window.y / raster.tileSize); row <= last(window.y, window.height); row++)
    for (let col = Math.floor(window.x / raster.tileSize); col <= last(window.x, window.width); col++)
      yield tiles[row * cols + col] as TileRecord;
}
