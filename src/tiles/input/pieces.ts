/**
 * Pieces: what is read of a TIFF at once. A compressed block is one; of others some rows, as a strip may be the whole image.
 */
import { decompress } from "../geotiff/compress.ts";
import type { PixelWindow } from "../geotiff/index.ts";
import { restore } from "../geotiff/predictor.ts";
import { TYPES } from "../geotiff/types.ts";
import type { InputFile } from "./input-file.ts";
import { COMPRESSIONS, type Layout, pixelBytesOf, rowsOfBlock } from "./layout.ts";
import { loadGeotiff } from "./library.ts";
import { fromLzw } from "./lzw.ts";

/** Rows of a block without compression are read so many bytes at once, or one. */
const PIECE_BYTES = 1024 * 1024;

/** A piece, by its place in the image, which it may reach beyond. */
export interface Piece extends PixelWindow {
  /** Of the block it is in. */
  readonly index: number;
  /** Its first band. */
  readonly band: number;
  readonly key: string;
  readonly sizeBytes: number;
}

/** Where the rows of pieces are that have pixels from `top` to before `bottom`. */
function* pieceRows(
  layout: Layout,
  top: number,
  bottom: number,
): Generator<{ readonly blockRow: number; readonly y: number; readonly height: number }> {
  const { blockHeight, blockWidth, compression } = layout;
  const inOne = compression !== COMPRESSIONS.none;
  const step = inOne ? blockHeight : Math.max(1, Math.floor(PIECE_BYTES / (blockWidth * pixelBytesOf(layout))));
  for (let blockRow = Math.floor(top / blockHeight); blockRow * blockHeight < bottom; blockRow++) {
    const start = blockRow * blockHeight;
    const rows = rowsOfBlock(layout, blockRow);
    for (let row = Math.floor(Math.max(0, top - start) / step) * step; row < rows && start + row < bottom; row += step)
      yield { blockRow, y: start + row, height: Math.min(step, rows - row) };
  }
}

/** All pieces that have pixels of a window. */
export function* piecesIn(layout: Layout, { x, y, width, height }: PixelWindow): Generator<Piece> {
  const { bands, blockBands, blockWidth, across, down } = layout;
  for (const row of pieceRows(layout, y, y + height)) {
    for (let col = Math.floor(x / blockWidth); col * blockWidth < x + width; col++) {
      for (let plane = 0; plane < bands / blockBands; plane++) {
        const index = (plane * down + row.blockRow) * across + col;
        const sizeBytes = blockWidth * row.height * pixelBytesOf(layout);
        const place = { x: col * blockWidth, y: row.y, width: blockWidth, height: row.height };
        yield { ...place, index, band: plane * blockBands, key: `${index} ${row.y}`, sizeBytes };
      }
    }
  }
}

/** The values of a piece, as they are in memory here; undefined: the file has none, and all of it is no data. */
export async function readPiece(layout: Layout, file: InputFile, piece: Piece): Promise<Uint8Array | undefined> {
  const { blockHeight, blockWidth, blockBands, dtype, predictor, isLittleEndian, compression } = layout;
  const [offset = 0, byteCount = 0] = [layout.offsets[piece.index], layout.byteCounts[piece.index]];
  if (byteCount === 0) return undefined;
  const type = TYPES[dtype];
  let bytes: Uint8Array;
  if (compression === COMPRESSIONS.none) {
    const rowBytes = blockWidth * pixelBytesOf(layout);
    bytes = await file.bytes(offset + (piece.y % blockHeight) * rowBytes, piece.sizeBytes);
  } else {
    const found = await undone(layout, await file.bytes(offset, byteCount), piece, file);
    if (found.length < piece.sizeBytes)
      throw file.damage(`block ${piece.index} has ${found.length} bytes, and needs ${piece.sizeBytes}`);
    bytes = new Uint8Array(found.subarray(0, piece.sizeBytes)); // a copy, aligned
  }
  // The predictor of floating point has its own order of bytes, whatever that of the file.
  if (!isLittleEndian && predictor !== "float") swap(bytes, type.bytes);
  restore({ bytes, width: blockWidth, bands: blockBands, type }, predictor);
  return bytes;
}

/** A block without its compression. */
async function undone(layout: Layout, bytes: Uint8Array, { index }: Piece, file: InputFile): Promise<Uint8Array> {
  const { compression, blockWidth, blockHeight } = layout;
  // The last strip may be written with rows beyond the image.
  const most = blockWidth * blockHeight * pixelBytesOf(layout);
  try {
    if (compression === COMPRESSIONS.deflate || compression === COMPRESSIONS.oldDeflate)
      return await decompress(bytes, "deflate", most);
    if (compression === COMPRESSIONS.lzw) return fromLzw(bytes, most);
    if (compression === COMPRESSIONS.zstd) return await decompress(bytes, "zstd", most);
    const { getDecoder } = await loadGeotiff();
    const shape = { tileWidth: blockWidth, tileHeight: blockHeight, planarConfiguration: 1, bitsPerSample: 8 };
    const decoder = await getDecoder(compression, { ...shape, predictor: 1 }); // 1: none, as that is ours
    return new Uint8Array(await decoder.decode(bytes.buffer as ArrayBuffer));
  } catch (error) {
    throw file.damage(`block ${index} can't be decompressed`, error);
  }
}

function swap(bytes: Uint8Array, size: 1 | 2 | 4 | 8): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/**
 * Bytes of pieces that are in memory at most, if windows of a size are read row by row, some at once: those that reach into the
 * rows of windows above or below stay for all of a row.
 */
export function heldBytes(layout: Layout, side: number, atOnce: number): number {
  const { width, height, bands, blockBands, blockWidth, across } = layout;
  const beside = blockWidth >= width ? across : Math.min(across, atOnce * (Math.ceil(side / blockWidth) + 1));
  let most = 0;
  for (let top = 0; top < height; top += side) {
    const bottom = Math.min(top + side, height);
    let bytes = 0;
    for (const row of pieceRows(layout, top, bottom)) {
      const reachesOut = row.y < top || (row.y + row.height > bottom && bottom < height);
      bytes += (reachesOut ? across : beside) * row.height;
    }
    most = Math.max(most, (bytes * blockWidth * pixelBytesOf(layout) * bands) / blockBands);
  }
  return most;
}
