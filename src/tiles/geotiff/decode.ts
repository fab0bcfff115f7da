/**
 * Reads back what encode.ts writes, and what other programs write alike: one image in blocks or strips, little-endian, the bands of a
 * pixel beside each other, with one of our compressions.
 */
import { HoldfastError } from "../../errors.ts";
import { COMPRESSION_TAG, type Compression, decompress } from "./compress.ts";
import type { GeoTiffImage } from "./encode.ts";
import { type Block, PREDICTOR_TAG, type Predictor, restore } from "./predictor.ts";
import { type DataType, TYPES } from "./types.ts";

/** An image, and of what type its values are. */
export interface DecodedImage extends Required<GeoTiffImage> {
  readonly dtype: DataType;
}

/** Whether a failure is of this file, and not of the machine or a bug. */
class NotReadable {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

/** What the head of a file says. */
export interface Described {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  readonly block: readonly [width: number, height: number];
}

/**
 * The shape of the first image in the bytes of any little-endian TIFF.
 *
 * @throws {HoldfastError} UNSUPPORTED: it is none.
 */
export function describeGeoTiff(bytes: Uint8Array, path: string): Described {
  try {
    return describe(tagsIn(bytes));
  } catch (error) {
    throw explained(error, path, "a GeoTIFF that Holdfast knows");
  }
}

/**
 * The image in the bytes of a file.
 *
 * @throws {HoldfastError} UNSUPPORTED: it is no GeoTIFF of this layout, or it is not whole.
 */
export async function decodeGeoTiff(bytes: Uint8Array, path: string): Promise<DecodedImage> {
  try {
    return await decode(bytes);
  } catch (error) {
    throw explained(error, path, "a GeoTIFF as Holdfast writes them");
  }
}

function explained(error: unknown, path: string, wanted: string): unknown {
  const what = error instanceof NotReadable ? error.what : undefined;
  // zlib's errors have codes of their own; RangeError is a read beyond the end
  if (what === undefined && !(error instanceof RangeError) && !(error instanceof Error && "errno" in error)) return error;
  const why = `this file is not ${wanted}${what === undefined ? "" : `: ${what}`}; read it with GDAL`;
  return new HoldfastError("UNSUPPORTED", { what: why, path, cause: error });
}

/** Numbers by tag; see {@link tagsIn}. */
export type Tags = ReadonlyMap<number, readonly number[]>;

function describe(tags: Tags): Described {
  const one = (id: number, usual = Number.NaN): number => tags.get(id)?.[0] ?? usual;
  const [width, height] = [one(256), one(257)];
  const dtype = find(
    TYPES,
    ({ bytes: size, sampleFormat }) => size * 8 === one(258, 1) && sampleFormat === one(339, 1),
    "its type",
  );
  const block = [one(322, width), one(323, Math.min(one(278, height), height))] as const; // strips are blocks of full width
  return { width, height, bands: one(277, 1), dtype, block };
}

async function decode(bytes: Uint8Array): Promise<DecodedImage> {
  const tags = tagsIn(bytes);
  const { width, height, bands, dtype, block: blockSize } = describe(tags);
  const [blockWidth, blockHeight] = blockSize;
  const one = (id: number): number => tags.get(id)?.[0] ?? 1;
  const compression = find<Compression>(COMPRESSION_TAG, (tag) => tag === one(259), "its compression");
  const predictor = find<Predictor>(PREDICTOR_TAG, (tag) => tag === one(317), "its predictor");
  const isTiled = tags.has(324);
  const [offsets = [], counts = []] = isTiled ? [tags.get(324), tags.get(325)] : [tags.get(273), tags.get(279)];
  const across = Math.ceil(width / blockWidth);
  if (one(284) !== 1 || offsets.length !== across * Math.ceil(height / blockHeight)) throw new NotReadable("it has no blocks");
  const type = TYPES[dtype];
  const pixelBytes = bands * type.bytes;
  const all = new Uint8Array(width * height * pixelBytes);
  for (const [index, offset] of offsets.entries()) {
    const [x, y] = [(index % across) * blockWidth, Math.floor(index / across) * blockHeight];
    const rows = isTiled ? blockHeight : Math.min(blockHeight, height - y); // the last strip ends with the image
    const sizeBytes = blockWidth * rows * pixelBytes;
    const found = await decompress(bytes.subarray(offset, offset + (counts[index] ?? 0)), compression, sizeBytes);
    if (found.length !== sizeBytes) throw new NotReadable("a block is not whole");
    const block: Block = { bytes: new Uint8Array(found), width: blockWidth, bands, type }; // a copy: aligned, and not the caller's
    restore(block, predictor);
    copyRows(block, all, { x, y, width, height, pixelBytes });
  }
  return { data: type.view(all), width, height, bands, dtype };
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly pixelBytes: number;
}

function copyRows({ bytes, width: blockWidth }: Block, all: Uint8Array, { x, y, width, height, pixelBytes }: Place): void {
  const rowBytes = Math.min(blockWidth, width - x) * pixelBytes;
  const rows = Math.min(bytes.length / (blockWidth * pixelBytes), height - y);
  for (let row = 0; row < rows; row++) {
    const start = row * blockWidth * pixelBytes;
    all.set(bytes.subarray(start, start + rowBytes), ((y + row) * width + x) * pixelBytes);
  }
}

function find<K extends string, V = unknown>(table: Readonly<Record<K, V>>, fits: (value: V) => boolean, what: string): K {
  const entry = (Object.entries(table) as [K, V][]).find(([, value]) => fits(value));
  if (!entry) throw new NotReadable(`${what} is not known`);
  return entry[0];
}

const VALUE_BYTES: Readonly<Record<number, number>> = { 2: 1, 3: 2, 4: 4, 12: 8, 16: 8 };

/** The numbers of each tag of the first directory; texts as their bytes. Tags of other types are not looked at. */
export function tagsIn(bytes: Uint8Array): Map<number, number[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numberAt = (at: number, size: number): number => {
    if (size === 1) return view.getUint8(at);
    if (size === 2) return view.getUint16(at, true);
    return size === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
  };
  const version = view.getUint32(0, true);
  if (version !== 0x002a4949 && version !== 0x002b4949) throw new NotReadable("it does not begin as one");
  const isBig = version === 0x002b4949;
  const [countBytes, entryBytes, offsetBytes] = isBig ? [8, 20, 8] : [2, 12, 4];
  const start = numberAt(isBig ? 8 : 4, offsetBytes);
  const tags = new Map<number, number[]>();
  for (let i = 0; i < numberAt(start, countBytes); i++) {
    const entry = start + countBytes + i * entryBytes;
    const [type, count] = [view.getUint16(entry + 2, true), numberAt(entry + 4, offsetBytes)];
    const size = VALUE_BYTES[type] ?? 0;
    const inEntry = entry + 4 + offsetBytes;
    const at = size * count <= offsetBytes ? inEntry : numberAt(inEntry, offsetBytes);
    if (size === 0) continue;
    if (at + size * count > bytes.length) throw new NotReadable("a tag is not whole");
    const read = (index: number): number =>
      type === 12 ? view.getFloat64(at + index * 8, true) : numberAt(at + index * size, size);
    tags.set(
      view.getUint16(entry, true),
      Array.from({ length: count }, (_, index) => read(index)),
    );
  }
  return tags;
}
