/** What a GeoTIFF is to be like: options of callers, checked, as a plan. */
import { type Check, checkOptions, integer, isBoolean, oneOf } from "../../util/options.ts";
import { type Compression, LEVELS } from "./compress.ts";
import { type Crs, checkCrs, checkMetadata, checkNodata, checkTransform, type Geo, type GeoTransform } from "./geo.ts";
import type { Overviews } from "./overviews.ts";
import type { Predictor } from "./predictor.ts";
import { type DataType, TYPES } from "./types.ts";

/** Options of a GeoTIFF. */
export interface GeoTiffOptions {
  /** Width and height of a block in pixels, a multiple of 16. Default 256, or less where the image is smaller. */
  readonly blockSize?: number | undefined;
  /** Default `"deflate"`. `"zstd"` needs Node 22.15. */
  readonly compression?: Compression | undefined;
  /** From 1, the fastest, to 9 (`"deflate"`, default 6) or 22 (`"zstd"`, default 9). */
  readonly level?: number | undefined;
  /**
   * Default: what compresses best, `"float"` for floating point and `"horizontal"` for integers of up to 32 bits. Integers of
   * 64 bits have none by default, as fewer readers know it.
   */
  readonly predictor?: Predictor | undefined;
  /** The coordinate reference system. Default none. */
  readonly crs?: Crs | undefined;
  /** Where the raster is. Default nowhere: the file has no georeference. */
  readonly geoTransform?: GeoTransform | undefined;
  /** The value of pixels without data; `NaN` too, and a `bigint` for 64 bits. For `float32` it is rounded to one. */
  readonly nodata?: bigint | number | undefined;
  /** Texts by name, as GDAL's metadata of the dataset. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /**
   * Adds the image in half its size, in a quarter, and so on until one block holds it, for readers that show all of it; a third
   * more bytes. Default none.
   */
  readonly overviews?: Overviews | undefined;
  /** True: BigTIFF in any case. Default: only where the file would have more than 4 GiB. */
  readonly bigTiff?: boolean | undefined;
}

/** What an image has before its values are known. */
export interface GeoTiffShape {
  readonly width: number;
  readonly height: number;
  /** Values of one pixel. Default 1. */
  readonly bands?: number | undefined;
  readonly dtype: DataType;
}

/** All that is to be known of a file but its values. */
export interface Plan {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly compression: Compression;
  readonly level: number;
  readonly predictor: Predictor;
  readonly geo: Geo;
  readonly overviews: Overviews | undefined;
  readonly bigTiff: boolean;
}

/** Tags hold width and height in 32 bits; GDAL takes 31. */
const SIDE_MAX = 2 ** 31 - 1;
/** SamplesPerPixel has 16 bits. */
const BANDS_MAX = 65_535;
const BLOCK_STEP = 16;
const BLOCK_SIZE_DEFAULT = 256;
/** A block of this size and 8 bytes is larger than any reader wants. */
const BLOCK_SIZE_MAX = 8192;
/** One block is compressed in one piece, whose size zlib counts in 32 bits. */
const BLOCK_BYTES_MAX = 2 ** 31 - 1;

const checkedBelow: Check = () => undefined;
const blockSize: Check = (value) =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) % BLOCK_STEP === 0 && (value as number) <= BLOCK_SIZE_MAX
    ? undefined
    : `a multiple of ${BLOCK_STEP} up to ${BLOCK_SIZE_MAX}`;

/** The options of a GeoTIFF, for functions that have more. */
export const GEOTIFF_CHECKS = {
  blockSize,
  compression: oneOf("deflate", "none", "zstd"),
  level: integer(LEVELS.zstd.max),
  predictor: oneOf("none", "horizontal", "float"),
  crs: checkedBelow,
  geoTransform: checkedBelow,
  nodata: checkedBelow,
  metadata: checkedBelow,
  overviews: oneOf("average", "nearest"),
  bigTiff: isBoolean,
};

/**
 * Checks everything that can be wrong before a value is read.
 *
 * @throws {TypeError} or {RangeError}
 */
export function planImage(shape: GeoTiffShape, options?: GeoTiffOptions): Plan {
  const { width, height, bands, dtype } = checkShape(shape);
  const given = checkOptions(options, GEOTIFF_CHECKS);
  const size = given.blockSize ?? BLOCK_SIZE_DEFAULT;
  const [blockWidth, blockHeight] = [fitting(width, size), fitting(height, size)];
  const blockBytes = blockWidth * blockHeight * bands * TYPES[dtype].bytes;
  if (blockBytes > BLOCK_BYTES_MAX) throw new RangeError(`a block would have ${blockBytes} bytes; choose a smaller blockSize`);
  const { compression = "deflate" } = given;
  return {
    ...{ width, height, bands, dtype, blockWidth, blockHeight, compression },
    level: checkLevel(given.level, compression),
    predictor: checkPredictor(given.predictor, compression, dtype),
    geo: {
      crs: checkCrs(given.crs),
      transform: checkTransform(given.geoTransform),
      nodata: checkNodata(given.nodata, dtype),
      metadata: checkMetadata(given.metadata),
    },
    overviews: given.overviews,
    bigTiff: given.bigTiff ?? false,
  };
}

/** Side of a block, which is not larger than it has to be. */
const fitting = (side: number, size: number): number => Math.min(size, Math.ceil(side / BLOCK_STEP) * BLOCK_STEP);

/** The plan of an overview, which has the place of its image and says of itself what has no data; undefined: one block holds it all. */
export function planHalf(plan: Plan): Plan | undefined {
  const { width, height, blockWidth, blockHeight, geo } = plan;
  if (width <= blockWidth && height <= blockHeight) return undefined;
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const blocks = { blockWidth: fitting(half.width, blockWidth), blockHeight: fitting(half.height, blockHeight) };
  return { ...plan, ...half, ...blocks, geo: { crs: undefined, transform: undefined, metadata: {}, nodata: geo.nodata } };
}

function checkShape(shape: GeoTiffShape): Required<GeoTiffShape> & { readonly bands: number } {
  if (typeof shape !== "object" || shape === null) throw new TypeError("an image must be an object with width and height");
  const { width, height, bands = 1, dtype } = shape;
  for (const [name, value, max] of [
    ["width", width, SIDE_MAX],
    ["height", height, SIDE_MAX],
    ["bands", bands, BANDS_MAX],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > max) throw new RangeError(`${name} must be an integer from 1 to ${max}`);
  }
  if (!Object.hasOwn(TYPES, dtype)) throw new RangeError(`dtype must be one of ${Object.keys(TYPES).join(", ")}`);
  return { width, height, bands, dtype };
}

function checkLevel(level: number | undefined, compression: Compression): number {
  if (compression === "none") {
    if (level !== undefined) throw new RangeError("option level needs a compression");
    return 0;
  }
  const { max, usual } = LEVELS[compression];
  if (level !== undefined && (level < 1 || level > max))
    throw new RangeError(`option level must be from 1 to ${max} for ${compression}`);
  return level ?? usual;
}

function checkPredictor(given: Predictor | undefined, compression: Compression, dtype: DataType): Predictor {
  const { sampleFormat, bytes } = TYPES[dtype];
  if (compression === "none") {
    // Readers look at the predictor only where there is a compression, and would show differences as values.
    if (given !== undefined && given !== "none") throw new RangeError("option predictor needs a compression");
    return "none";
  }
  if (given === "float" && sampleFormat !== 3) throw new RangeError(`option predictor must not be "float" for ${dtype}`);
  if (given !== undefined) return given;
  if (sampleFormat === 3) return "float";
  return bytes === 8 ? "none" : "horizontal";
}
