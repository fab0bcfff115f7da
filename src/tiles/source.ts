/** Where the values of a tile set come from, as a line of tiles that several writers take from. */
import { HoldfastError, isHoldfastError } from "../errors.ts";
import { planOf } from "./geotiff/encode.ts";
import type { DataType, GeoTiffImage, PixelWindow, RasterData } from "./geotiff/index.ts";
import { planImage } from "./geotiff/options.ts";
import { type Pixels, pixelsIn, pixelsOf } from "./geotiff/pixels.ts";
import { bytesOf, TYPES, typeOf } from "./geotiff/types.ts";
import { gridOf, type Raster, windowOf } from "./manifest.ts";

/** What a raster has whose values are not in memory. */
export interface RasterShape {
  readonly width: number;
  readonly height: number;
  /** Values of one pixel. Default 1. */
  readonly bands?: number | undefined;
  readonly dtype: DataType;
}

/** A raster whose values are asked for, tile by tile. */
export interface WindowSource extends RasterShape {
  /**
   * Gives the values of a window, which is one tile. Each is asked for once, row by row, several before the first has answered; so
   * give an array of its own for each.
   */
  readonly read: (window: PixelWindow) => Promise<RasterData> | RasterData;
}

/** One tile of a source: its values, or a whole GeoTIFF. */
export interface SourceTile {
  readonly row: number;
  readonly col: number;
  readonly data?: RasterData | undefined;
  readonly encoded?: Uint8Array | undefined;
}

/**
 * A raster that comes as tiles, in any order, each once. One is taken when there is room for it, and copied before the next is asked
 * for: so all may be in the same memory.
 */
export interface TileStreamSource extends RasterShape {
  readonly tiles: AsyncIterable<SourceTile> | Iterable<SourceTile>;
}

/** Where the values come from. */
export type TileSource = GeoTiffImage | TileStreamSource | WindowSource;

/** A checked source. */
export type Shape = Required<RasterShape> & {
  readonly bands: number;
  readonly from: TileSource;
  /** Whether each tile is asked for when it is needed, and so can be left out. */
  readonly isAsked: boolean;
};

/** @throws {TypeError} or {RangeError} */
export function shapeOf(source: unknown): Shape {
  const from = source as Partial<GeoTiffImage & TileStreamSource & WindowSource>;
  if (typeof from !== "object" || from === null) throw new TypeError("source must be an object with width, height and values");
  const ways = (["data", "read", "tiles"] as const).filter((way) => from[way] !== undefined);
  if (ways.length !== 1) throw new TypeError("source must have exactly one of data, read and tiles");
  if (from.data !== undefined) {
    const { width, height, bands, dtype } = planOf(from as GeoTiffImage);
    return { width, height, bands, dtype, from: from as TileSource, isAsked: false };
  }
  const { width, height, bands, dtype } = planImage(from as RasterShape);
  if (from.read !== undefined && typeof from.read !== "function") throw new TypeError("source.read must be a function");
  const { tiles } = from;
  if (
    tiles !== undefined &&
    !(typeof tiles === "object" && tiles !== null && (Symbol.asyncIterator in tiles || Symbol.iterator in tiles))
  )
    throw new TypeError("source.tiles must be an iterable or async iterable of tiles");
  return { width, height, bands, dtype, from: from as TileSource, isAsked: from.read !== undefined };
}

/** One tile that is to be made. */
export interface TileWork {
  readonly row: number;
  readonly col: number;
  readonly window: PixelWindow;
  /** Gives what the source has. */
  readonly content: () => Promise<TileContent>;
}

/** A tile: its values, where they stand in an image that was checked, or a whole GeoTIFF. */
export type TileContent = { readonly data: RasterData } | { readonly encoded: Uint8Array } | { readonly pixels: Pixels };

/** Gives one tile after the other to whoever asks; undefined at the end. */
export interface TileLine {
  readonly next: () => Promise<TileWork | undefined>;
  /** Ends what is not read to its end. */
  readonly leave: () => Promise<void>;
}

/** The line of a source. Its failures are SOURCE_FAILED. */
export function lineOf(shape: Shape, raster: Raster): TileLine {
  const { from } = shape;
  if ("tiles" in from && from.tiles) return streamed(from.tiles, shape, raster);
  const works = grid(raster, contentsOf(from as Exclude<TileSource, TileStreamSource>));
  return { next: async () => works.next().value ?? undefined, leave: async () => {} };
}

function contentsOf(from: Exclude<TileSource, TileStreamSource>): (window: PixelWindow) => TileWork["content"] {
  if ("read" in from && from.read) return (window) => async () => ({ data: await sourced(() => from.read(window)) });
  const pixels = pixelsOf(from as GeoTiffImage);
  return (window) => async () => ({ pixels: pixelsIn(pixels, window) });
}

function* grid(raster: Raster, contentOf: (window: PixelWindow) => TileWork["content"]): Generator<TileWork, undefined> {
  const { rows, cols } = gridOf(raster);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const window = windowOf(raster, row, col);
      yield { row, col, window, content: contentOf(window) };
    }
  }
  return undefined;
}

function streamed(tiles: AsyncIterable<SourceTile> | Iterable<SourceTile>, shape: Shape, raster: Raster): TileLine {
  const iterator = Symbol.asyncIterator in tiles ? tiles[Symbol.asyncIterator]() : tiles[Symbol.iterator]();
  const { rows, cols } = gridOf(raster);
  const seen = new Set<number>();
  let ended = false;
  const pull = async (): Promise<TileWork | undefined> => {
    if (ended) return undefined;
    const { done, value } = await sourced(() => iterator.next());
    if (!done) return toWork(value, { rows, cols }, seen, shape, raster);
    ended = true;
    const missing = firstMissing(seen, rows * cols);
    if (missing === undefined) return undefined;
    const [row, col] = [Math.floor(missing / cols), missing % cols];
    throw new HoldfastError("SOURCE_FAILED", {
      what: `the source has no tile for row ${row}, column ${col}`,
      details: { row, col },
    });
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    // One after the other: not every iterator can be asked again before it has answered.
    next: () => {
      const one = last.then(pull);
      last = one.catch(() => {});
      return one;
    },
    leave: async () => {
      if (!ended) await iterator.return?.();
    },
  };
}

function firstMissing(seen: ReadonlySet<number>, count: number): number | undefined {
  if (seen.size === count) return undefined;
  let place = 0;
  while (seen.has(place)) place++;
  return place;
}

function toWork(
  tile: SourceTile,
  grid: { rows: number; cols: number },
  seen: Set<number>,
  shape: Shape,
  raster: Raster,
): TileWork {
  const { row, col, data, encoded } = tile ?? {};
  const inGrid = Number.isInteger(row) && row >= 0 && row < grid.rows && Number.isInteger(col) && col >= 0 && col < grid.cols;
  const refuse = (why: string): HoldfastError =>
    new HoldfastError("SOURCE_FAILED", { what: `the source gave a tile that ${why}`, details: { row, col } });
  if (!inGrid) throw refuse(`is outside of the grid of ${grid.rows} rows and ${grid.cols} columns`);
  if (seen.has(row * grid.cols + col)) throw refuse("it has given before");
  seen.add(row * grid.cols + col);
  const window = windowOf(raster, row, col);
  if (encoded instanceof Uint8Array && data === undefined) {
    const copy = new Uint8Array(encoded); // slice() of a Buffer is no copy
    return { row, col, window, content: async () => ({ encoded: copy }) };
  }
  if (data === undefined || encoded !== undefined) throw refuse("has not exactly one of data and encoded");
  if (typeOf(data) !== shape.dtype) throw refuse(`is not of type ${shape.dtype}`);
  const copy = TYPES[shape.dtype].view(new Uint8Array(bytesOf(data)));
  return { row, col, window, content: async () => ({ data: copy }) };
}

/** Calls what is the caller's: its failure is told as one of the source. */
async function sourced<T>(ask: () => Promise<T> | T): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (isHoldfastError(cause, "SOURCE_FAILED")) throw cause; // a source of ours has said what is wrong
    throw new HoldfastError("SOURCE_FAILED", { cause });
  }
}
