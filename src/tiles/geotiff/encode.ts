import { COMPRESSION_TAG, compressor } from "./compress.ts";
import { geoTags } from "./geo.ts";
import { Memory } from "./memory.ts";
import { type GeoTiffOptions, type GeoTiffShape, type Plan, planHalf, planImage } from "./options.ts";
import { halved } from "./overviews.ts";
import { copyRows, type Pixels, pixelsIn, pixelsOf } from "./pixels.ts";
import { PREDICTOR_TAG, predict } from "./predictor.ts";
import { type Directory, layOut, type Tag, total } from "./tags.ts";
import { type RasterData, TYPES, typeOf } from "./types.ts";

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
 * Cost: the result; where it is compressed, as much again while it is put together, and the thread pool compresses. For what is
 * larger than memory, {@link streamGeoTiff} or many tiles.
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
  return await encodePlanned(pixelsOf(image), planOf(image, options));
}

/**
 * Pixels whose plan has been made.
 *
 * @param memory Where the result and what it needs on the way come from. Who has no more use for the result may give it back.
 */
export async function encodePlanned(pixels: Pixels, plan: Plan, memory = new Memory()): Promise<Uint8Array> {
  const levels = [...levelsOf(pixels, plan)];
  const directories: Directory[] = [];
  const compressed: Uint8Array[] = [];
  for (const level of levels) {
    const made = plan.compression === "none" ? undefined : await collected(level, memory);
    compressed.push(...(made ?? []));
    const blockBytes = made?.map(({ length }) => length) ?? equalBlocks(level.plan);
    directories.push({ tags: tagsOf(level.plan, level.plan !== plan), blockBytes });
  }
  const head = layOut(directories, plan.bigTiff);
  const bytes = memory.take(directories.reduce((sum, { blockBytes }) => sum + total(blockBytes), head.length));
  bytes.set(head);
  let at = head.length;
  for (const block of compressed) {
    bytes.set(block, at);
    at += block.length;
  }
  if (plan.compression !== "none") return bytes;
  for (const { pixels: all, plan: one } of levels) {
    const size = blockBytesOf(one);
    for (const window of windowsOf(one)) {
      fillBlock(one, pixelsIn(all, window), bytes.subarray(at, at + size));
      at += size;
    }
  }
  return bytes;
}

interface Level {
  readonly pixels: Pixels;
  readonly plan: Plan;
}

/** The image, and its overviews if there are to be any. */
function* levelsOf(pixels: Pixels, plan: Plan): Generator<Level> {
  yield { pixels, plan };
  const half = plan.overviews && planHalf(plan);
  if (half && plan.overviews) yield* levelsOf(halved(pixels, plan.dtype, plan.geo.nodata, plan.overviews), half);
}

async function collected({ pixels, plan }: Level, memory: Memory): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const block of blocksOf(plan, (window) => pixelsIn(pixels, window), memory)) all.push(block);
  return all;
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
  const checked = async (window: PixelWindow): Promise<Pixels> => {
    const data = await read(window);
    if (typeOf(data) !== plan.dtype) throw new TypeError(`the values of a window must be of type ${plan.dtype}`);
    const { width, height } = window;
    const count = width * height * plan.bands;
    if (data.length === count) return pixelsOf({ data, width, height, bands: plan.bands });
    throw new RangeError(`a window of ${width} x ${height} must have ${count} values; it has ${data.length}`);
  };
  return pieces(plan, blocksOf(plan, checked, new Memory()));
}

function blocksOf(
  plan: Plan,
  read: (window: PixelWindow) => Pixels | Promise<Pixels>,
  memory: Memory,
): AsyncGenerator<Uint8Array> {
  const compress = compressor(plan.compression, plan.level); // throws here, not at the first piece
  const encode = async (window: PixelWindow): Promise<Uint8Array> => {
    const pixels = await read(window);
    const block = memory.take(blockBytesOf(plan));
    fillBlock(plan, pixels, block);
    const bytes = await compress(block);
    if (bytes !== block) memory.give(block);
    return bytes;
  };
  return inOrder(windowsOf(plan), BLOCKS_AHEAD, encode);
}

async function* pieces(plan: Plan, blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const tags = tagsOf(plan, false);
  if (plan.compression === "none") {
    yield layOut([{ tags, blockBytes: equalBlocks(plan) }], plan.bigTiff);
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

/** The sizes of blocks that are not compressed. */
const equalBlocks = (plan: Plan): Float64Array =>
  new Float64Array(Math.ceil(plan.width / plan.blockWidth) * Math.ceil(plan.height / plan.blockHeight)).fill(blockBytesOf(plan));

/** The part of the image that each block has, in the order of the file. */
function* windowsOf({ width, height, blockWidth, blockHeight }: Plan): Generator<PixelWindow> {
  for (let y = 0; y < height; y += blockHeight)
    for (let x = 0; x < width; x += blockWidth)
      yield { x, y, width: Math.min(blockWidth, width - x), height: Math.min(blockHeight, height - y) };
}

/** Makes a block what is to be compressed: the pixels, and zeros to the right of them and below. */
function fillBlock({ dtype, blockWidth, blockHeight, predictor }: Plan, pixels: Pixels, block: Uint8Array): void {
  const type = TYPES[dtype];
  const { width, height, bands } = pixels;
  if (width < blockWidth || height < blockHeight) block.fill(0);
  copyRows(pixels, block, blockWidth * bands * type.bytes);
  predict({ bytes: block, width: blockWidth, bands, type }, predictor);
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
