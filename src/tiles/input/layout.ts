/** How the pixels of a TIFF are stored: their type, and the blocks (tiles or strips) that they are in. */
import { HAS_ZSTD } from "../geotiff/compress.ts";
import type { Predictor } from "../geotiff/index.ts";
import { PREDICTOR_TAG } from "../geotiff/predictor.ts";
import { type DataType, TYPES } from "../geotiff/types.ts";
import type { InputFile } from "./input-file.ts";
import type { Tags } from "./tags.ts";

/** All that reading a block needs. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  readonly isLittleEndian: boolean;
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** Blocks beside each other, and below each other. */
  readonly across: number;
  readonly down: number;
  /** Bands in one block: all, or one if each band has blocks of its own. */
  readonly blockBands: number;
  /** Tag Compression. */
  readonly compression: number;
  readonly predictor: Predictor;
  /** Band by band if each has its own, row by row, from the left. A block of no bytes is not in the file: all of it is no data. */
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
}

/** Tag Compression: TIFF 6.0; libtiff, tiff.h. Those that give the values back exactly. */
export const COMPRESSIONS = { none: 1, lzw: 5, deflate: 8, packBits: 32773, oldDeflate: 32946, zstd: 50000 } as const;
const NAMES: Readonly<Record<number, string>> = {
  2: "CCITT RLE",
  3: "CCITT fax 3",
  4: "CCITT fax 4",
  6: "old JPEG",
  7: "JPEG",
  34887: "LERC",
  34925: "LZMA",
  50001: "WebP",
  50002: "JPEG XL",
};
/** Of the others libtiff does not look at tag Predictor. */
const WITH_PREDICTOR: readonly number[] = [COMPRESSIONS.lzw, COMPRESSIONS.deflate, COMPRESSIONS.oldDeflate, COMPRESSIONS.zstd];

/**
 * The layout that the tags tell of.
 *
 * @throws {HoldfastError} UNSUPPORTED: values of a type or compression that is not read; SOURCE_FAILED: it can't be.
 */
export function layoutOf(tags: Tags, file: InputFile): Layout {
  const [width = 0, height = 0, bands = 1] = [tags.number(256), tags.number(257), tags.number(277)];
  if (width < 1 || height < 1 || bands < 1) throw file.damage(`it has ${width} x ${height} pixels of ${bands} bands`);
  const dtype = typeIn(tags, bands, file);
  const compression = tags.number(259) ?? COMPRESSIONS.none;
  const predictor = predictorIn(tags, compression, file);
  const isTiled = tags.numbers(322).length > 0;
  const blockWidth = isTiled ? (tags.number(322) ?? 0) : width;
  const blockHeight = isTiled ? (tags.number(323) ?? 0) : Math.min(tags.number(278) ?? height, height);
  if (blockWidth < 1 || blockHeight < 1) throw file.damage(`its blocks have ${blockWidth} x ${blockHeight} pixels`);
  const [across, down] = [Math.ceil(width / blockWidth), Math.ceil(height / blockHeight)];
  const blockBands = tags.number(284) === 2 ? 1 : bands;
  const layout: Layout = {
    ...{ width, height, bands, dtype, isLittleEndian: tags.isLittleEndian, compression, predictor },
    ...{ blockWidth, blockHeight, across, down, blockBands },
    offsets: tags.numbers(isTiled ? 324 : 273),
    byteCounts: tags.numbers(isTiled ? 325 : 279),
  };
  expectBlocks(layout, file);
  return layout;
}

function typeIn(tags: Tags, bands: number, file: InputFile): DataType {
  const bits = tags.numbers(258).length > 0 ? tags.numbers(258) : [1];
  const formats = tags.numbers(339).length > 0 ? tags.numbers(339) : [1];
  if (new Set(bits).size > 1 || new Set(formats).size > 1) throw file.unsupported("the bands of the input have several types");
  if (bits.length !== 1 && bits.length !== bands) throw file.damage(`it has ${bands} bands, and types of ${bits.length}`);
  const format = formats[0] === 4 ? 1 : formats[0]; // 4: undefined, as which GDAL takes unsigned integers
  for (const [dtype, { bytes, sampleFormat }] of Object.entries(TYPES))
    if (bytes * 8 === bits[0] && sampleFormat === format) return dtype as DataType;
  const kind = { 1: "unsigned integers", 2: "integers", 3: "floating point", 5: "complex", 6: "complex" }[format ?? 1];
  throw file.unsupported(
    `values of ${bits[0]} bits (${kind ?? "an unknown type"}) are not read: gdal_translate -ot makes others`,
  );
}

function predictorIn(tags: Tags, compression: number, file: InputFile): Predictor {
  if (!(Object.values(COMPRESSIONS) as number[]).includes(compression)) {
    const name = NAMES[compression] ?? `number ${compression}`;
    throw file.unsupported(`compression ${name} is not read: gdal_translate -co COMPRESS=DEFLATE makes another`);
  }
  if (compression === COMPRESSIONS.zstd && !HAS_ZSTD) {
    throw file.unsupported("compression zstd needs Node 22.15 or later; gdal_translate -co COMPRESS=DEFLATE makes another");
  }
  if ((tags.number(266) ?? 1) !== 1) throw file.unsupported("bits from the right to the left (FillOrder 2) are not read");
  // What is stored as YCbCr has fewer values of colour than pixels (TIFF 6.0, section 21).
  if (tags.number(262) === 6) throw file.unsupported("values of YCbCr are not read: gdal_translate -co PHOTOMETRIC=RGB");
  if (!WITH_PREDICTOR.includes(compression)) return "none";
  const given = tags.number(317) ?? PREDICTOR_TAG.none;
  const found = (Object.keys(PREDICTOR_TAG) as Predictor[]).find((name) => PREDICTOR_TAG[name] === given);
  if (found === undefined) throw file.unsupported(`predictor ${given} is not read`);
  return found;
}

/** All blocks are where the file has bytes: so what was cut off shows before anything is written. */
function expectBlocks(layout: Layout, file: InputFile): void {
  const { across, down, bands, blockBands, offsets, byteCounts, compression } = layout;
  const count = (across * down * bands) / blockBands;
  if (offsets.length !== count || byteCounts.length !== count) {
    throw file.damage(`it has ${Math.min(offsets.length, byteCounts.length)} blocks, and needs ${count}`);
  }
  for (let index = 0; index < count; index++) {
    const [offset = 0, bytes = 0] = [offsets[index], byteCounts[index]];
    if (offset + bytes > file.sizeBytes) {
      throw file.damage(`block ${index} ends at byte ${offset + bytes}, and the file has ${file.sizeBytes}`);
    }
    if (compression !== COMPRESSIONS.none || bytes === 0) continue;
    const row = Math.floor(index / across) % down;
    if (bytes < blockBytes(layout, row))
      throw file.damage(`block ${index} has ${bytes} bytes, and needs ${blockBytes(layout, row)}`);
  }
}

/** Rows of the blocks in a row of blocks: the last strip ends with the image, the last tile does not. */
export function rowsOfBlock({ height, blockHeight, blockWidth, width }: Layout, row: number): number {
  const isStrip = blockWidth === width;
  return isStrip ? Math.min(blockHeight, height - row * blockHeight) : blockHeight;
}

/** Bytes of one pixel in a block. */
export const pixelBytesOf = ({ blockBands, dtype }: Layout): number => blockBands * TYPES[dtype].bytes;

/** Bytes that a block must have once it is decompressed. */
function blockBytes(layout: Layout, row: number): number {
  return rowsOfBlock(layout, row) * layout.blockWidth * pixelBytesOf(layout);
}
