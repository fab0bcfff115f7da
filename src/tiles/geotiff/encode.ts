import { COMPRESSION_TAG, compressor } from "./compress.ts";
import { geoTags } from "./geo.ts";
import { type GeoTiffOptions, type GeoTiffShape, type Plan, planHalf, planImage } from "./options.ts";
import { halved } from "./overviews.ts";
import { PREDICTOR_TAG, predict } from "./predictor.ts";
import { type Directory, layOut, type Tag } from "./tags.ts";
import { bytesOf, type DataType, LITTLE_ENDIAN, type RasterData, TYPES, typeOf } from "./types.ts";

/** A rectangle of pixels. */
export interface PixelWindow {
  /** Column of its left pixels, from 0. */
  readonly x: number;
  /** Row of its upper pixels, from 0. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An image in memory. */
export interface GeoTiffImage {
  /** Exactly `width * height * bands` values: row by row from the top left, the bands of one pixel beside each other. */
  readonly data: RasterData;
  readonly width: number;
  readonly height: number;
  /** Values of one pixel. Default 1. */
  readonly bands?: number | undefined;
}

/** Blocks that are read and compressed ahead of the one that is wanted: the thread pool has four threads. */
const BLOCKS_AHEAD = 4;

/**
 * An image as the bytes of a tiled GeoTIFF: readable, value by value the same, by GDAL, geotiff.js and whatever reads TIFF.
 *
 * All integer and floating types of 8 to 64 bits, any number of bands. Three or four bands of `uint8` are marked as RGB and
 * RGBA, as GDAL does it. Everything is checked first.
 *
 * Cost: the result, and as much again while it is put together; compression runs on the thread pool. For what is larger than
 * memory, {@link streamGeoTiff} or many tiles.
 *
 * Not written: masks, colour tables.
 *
 * @param options See {@link GeoTiffOptions}.
 * @throws {TypeError} or {RangeError} An argument that no GeoTIFF can have, or data of another length than its shape.
 * @throws {HoldfastError} `UNSUPPORTED`: compression `"zstd"` on a Node that has none.
 *
 * Source: TIFF 6.0; OGC 19-008 (GeoTIFF 1.1); the GDAL driver's page for `GDAL_NODATA` and `GDAL_METADATA`.
 * @example
 * const bytes = await encodeGeoTiff({ data, width: 512, height: 512 }, { crs: 32633, geoTransform: [500000, 10, 0, 5300000, 0, -10] });
 * await writeFile("elevation.tif", bytes);
 */
export async function encodeGeoTiff(image: GeoTiffImage, options?: GeoTiffOptions): Promise<Uint8Array> {
  return await encodePlanned(image, planOf(image, options));
}

/** An image whose plan has been made. */
export async function encodePlanned(image: GeoTiffImage, plan: Plan): Promise<Uint8Array> {
  const directories: Directory[] = [];
  const blocks: Uint8Array[][] = [];
  for (const level of levelsOf(image, plan)) {
    const made: Uint8Array[] = [];
    for await (const block of blocksOf(level.plan, (window) => crop(level.image, window), "kept")) made.push(block);
    directories.push({ tags: tagsOf(level.plan, level.plan !== plan), blockBytes: made.map(({ length }) => length) });
    blocks.push(made);
  }
  return Buffer.concat([layOut(directories, plan.bigTiff), ...blocks.flat()]);
}

interface Level {
  readonly image: GeoTiffImage;
  readonly plan: Plan;
}

/** The image, and its overviews if there are to be any. */
function* levelsOf(image: GeoTiffImage, plan: Plan): Generator<Level> {
  yield { image, plan };
  const half = plan.overviews && planHalf(plan);
  if (half && plan.overviews) yield* levelsOf(halved(image, plan.dtype, plan.geo.nodata, plan.overviews), half);
}

/** The plan of an image in memory, which is checked. */
export function planOf(image: GeoTiffImage, options?: GeoTiffOptions): Plan {
  if (typeof image !== "object" || image === null) throw new TypeError("an image must be an object with data, width and height");
  const dtype = typeOf(image.data);
  if (dtype === undefined) throw new TypeError("data must be a typed array of integers or floating-point numbers");
  const plan = planImage({ ...image, dtype }, options);
  const count = plan.width * plan.height * plan.bands;
  if (image.data.length === count) return plan;
  throw new RangeError(`data must have ${count} values (width * height * bands); it has ${image.data.length}`);
}

/**
 * As {@link encodeGeoTiff}, but pixels are asked for block by block, and bytes given piece by piece. It has no overviews.
 *
 * Cost: some blocks. Where it is compressed, all compressed bytes are held until the last block is known: where each block is
 * stands at the beginning of the file.
 *
 * @param read Gives the values of a window, which lies within the image. Called once for each block, row by row, and up to
 *   four times before the first is done.
 * @throws As {@link encodeGeoTiff}, at once; and later what `read` throws, after what was begun has ended.
 * @example
 * await writeFile("large.tif", streamGeoTiff({ width, height, dtype: "float32" }, (window) => compute(window)));
 */
export function streamGeoTiff(
  shape: GeoTiffShape,
  read: (window: PixelWindow) => Promise<RasterData> | RasterData,
  options?: Omit<GeoTiffOptions, "overviews">,
): AsyncGenerator<Uint8Array, void, undefined> {
  const plan = planImage(shape, options);
  if (plan.overviews) throw new RangeError("option overviews needs all values at once: use encodeGeoTiff");
  if (typeof read !== "function") throw new TypeError("read must be a function");
  return pieces(plan, blocksOf(plan, read, "reused"));
}

type Read = (window: PixelWindow) => Promise<RasterData> | RasterData;
/** Whether what was read stays as it is until its piece is used, so that it may be the piece. */
type Values = "kept" | "reused";

function blocksOf(plan: Plan, read: Read, values: Values): AsyncGenerator<Uint8Array> {
  const compress = compressor(plan.compression, plan.level); // throws here, not at the first piece
  const encode = async (window: PixelWindow): Promise<Uint8Array> =>
    await compress(blockOf(plan, window, await read(window), values));
  return inOrder(windowsOf(plan), BLOCKS_AHEAD, encode);
}

async function* pieces(plan: Plan, blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const tags = tagsOf(plan, false);
  if (plan.compression === "none") {
    const count = Math.ceil(plan.width / plan.blockWidth) * Math.ceil(plan.height / plan.blockHeight);
    yield layOut([{ tags, blockBytes: new Float64Array(count).fill(blockBytesOf(plan)) }], plan.bigTiff);
    yield* blocks;
    return;
  }
  const held: Uint8Array[] = [];
  for await (const block of blocks) held.push(block);
  yield layOut([{ tags, blockBytes: held.map(({ length }) => length) }], plan.bigTiff);
  yield* held;
}

const blockBytesOf = ({ blockWidth, blockHeight, bands, dtype }: Plan): number =>
  blockWidth * blockHeight * bands * TYPES[dtype].bytes;

/** The part of the image that each block has, in the order of the file. */
function* windowsOf({ width, height, blockWidth, blockHeight }: Plan): Generator<PixelWindow> {
  for (let y = 0; y < height; y += blockHeight)
    for (let x = 0; x < width; x += blockWidth)
      yield { x, y, width: Math.min(blockWidth, width - x), height: Math.min(blockHeight, height - y) };
}

/** The bytes of a block, to be compressed: values of the window, and zeros to the right of it and below. */
function blockOf(plan: Plan, { width, height }: PixelWindow, data: RasterData, values: Values): Uint8Array {
  const { dtype, bands, blockWidth, predictor } = plan;
  const type = TYPES[dtype];
  if (typeOf(data) !== dtype) throw new TypeError(`the values of a window must be of type ${dtype}`);
  if (data.length !== width * height * bands) {
    throw new RangeError(`a window of ${width} x ${height} must have ${width * height * bands} values; it has ${data.length}`);
  }
  const from = bytesOf(data);
  const isAsItIs = from.length === blockBytesOf(plan) && predictor === "none" && LITTLE_ENDIAN;
  if (isAsItIs && values === "kept") return from;
  const bytes = new Uint8Array(blockBytesOf(plan));
  const [rowBytes, blockRowBytes] = [width * bands * type.bytes, blockWidth * bands * type.bytes];
  for (let y = 0; y < height; y++) bytes.set(from.subarray(y * rowBytes, (y + 1) * rowBytes), y * blockRowBytes);
  predict({ bytes, width: blockWidth, bands, type }, predictor);
  return bytes;
}

/** The values of a window of an image in memory. */
export function crop({ data, width, bands = 1 }: GeoTiffImage, window: PixelWindow): RasterData {
  const row = window.width * bands;
  if (window.width === width) return data.subarray(window.y * row, (window.y + window.height) * row);
  const size = data.BYTES_PER_ELEMENT;
  const all = bytesOf(data);
  const part = new Uint8Array(row * window.height * size);
  for (let y = 0; y < window.height; y++) {
    const start = ((window.y + y) * width + window.x) * bands * size;
    part.set(all.subarray(start, start + row * size), y * row * size);
  }
  return TYPES[typeOf(data) as DataType].view(part);
}

/** All tags but those of the blocks. */
function tagsOf(plan: Plan, isOverview: boolean): Tag[] {
  const { width, height, bands, dtype, blockWidth, blockHeight, compression, predictor } = plan;
  const { bytes, sampleFormat } = TYPES[dtype];
  const each = (value: number): number[] => new Array<number>(bands).fill(value);
  const isColour = dtype === "uint8" && (bands === 3 || bands === 4);
  const extra = bands - (isColour ? 3 : 1);
  const short = (id: number, ...values: readonly number[]): Tag => ({ id, type: "short", values });
  const long = (id: number, value: number): Tag => ({ id, type: "long", values: [value] });
  return [
    ...(isOverview ? [long(254, 1)] : []), // NewSubfileType: of less resolution
    long(256, width), // ImageWidth
    long(257, height), // ImageLength
    short(258, ...each(bytes * 8)), // BitsPerSample
    short(259, COMPRESSION_TAG[compression]),
    short(262, isColour ? 2 : 1), // PhotometricInterpretation: RGB, or 0 is black
    short(277, bands), // SamplesPerPixel
    short(284, 1), // PlanarConfiguration: the bands of a pixel beside each other
    ...(predictor === "none" ? [] : [short(317, PREDICTOR_TAG[predictor])]),
    long(322, blockWidth), // TileWidth
    long(323, blockHeight), // TileLength
    // ExtraSamples: 2 is alpha, 0 says nothing
    ...(extra > 0 ? [short(338, ...new Array<number>(extra).fill(isColour ? 2 : 0))] : []),
    short(339, ...each(sampleFormat)), // SampleFormat
    ...geoTags(plan.geo),
  ];
}

/** Calls `make` for each item, up to `ahead` at once, and gives the results in order. Ends only when all that was begun has. */
async function* inOrder<T, R>(items: Iterable<T>, ahead: number, make: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  try {
    for (const item of items) {
      const result = make(item);
      result.catch(() => {}); // it is looked at in its turn, or not at all if another has failed before
      begun.push(result);
      if (begun.length >= ahead) yield await (begun.shift() as Promise<R>);
    }
    while (begun.length > 0) yield await (begun.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(begun);
  }
}
