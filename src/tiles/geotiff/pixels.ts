/** Pixels in memory: of an image, or of a part of one where they are. */
import type { GeoTiffImage, PixelWindow } from "./encode.ts";
import { bytesOf } from "./types.ts";

/** Rows of pixels that need not be next to each other. */
export interface Pixels extends GeoTiffImage {
  readonly bands: number;
  /** Where the first value stands in `data`. */
  readonly start: number;
  /** Values from the beginning of one row to that of the next. */
  readonly stride: number;
}

/** All pixels of an image. */
export function pixelsOf({ data, width, height, bands = 1 }: GeoTiffImage): Pixels {
  return { data, width, height, bands, start: 0, stride: width * bands };
}

/** Those in a window. Nothing is copied. */
export function pixelsIn(pixels: Pixels, { x, y, width, height }: PixelWindow): Pixels {
  return { ...pixels, width, height, start: pixels.start + y * pixels.stride + x * pixels.bands };
}

/** Copies each row to its place in `into`, where one begins `rowBytes` after the other. */
export function copyRows({ data, width, height, bands, start, stride }: Pixels, into: Uint8Array, rowBytes: number): void {
  const from = bytesOf(data);
  const size = data.BYTES_PER_ELEMENT;
  const bytes = width * bands * size;
  if (stride * size === rowBytes && bytes === rowBytes) {
    into.set(from.subarray(start * size, start * size + height * bytes));
    return;
  }
  for (let y = 0; y < height; y++) {
    const at = (start + y * stride) * size;
    into.set(from.subarray(at, at + bytes), y * rowBytes);
  }
}
