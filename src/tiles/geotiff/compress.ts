/** Compression of blocks, on the thread pool. */
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { HoldfastError } from "../../errors.ts";

/** `deflate` is read everywhere. `zstd` is faster and smaller, and read by GDAL from 2.3 on, but not by every viewer. */
export type Compression = "deflate" | "none" | "zstd";

/** Tag Compression: TIFF 6.0; Adobe, TIFF Technical Note 2; libtiff, tiff.h. */
export const COMPRESSION_TAG: Readonly<Record<Compression, number>> = { none: 1, deflate: 8, zstd: 50000 };

/** Levels from the fastest to the smallest, and GDAL's default. */
export const LEVELS: Readonly<Record<Exclude<Compression, "none">, { readonly max: number; readonly usual: number }>> = {
  deflate: { max: 9, usual: 6 },
  zstd: { max: 22, usual: 9 },
};

/** A fifth faster than with 8, for 128 KiB of memory (zlib.h); and with all of a block in one chunk, one trip to the thread pool. */
const QUICK = { memLevel: 9 };

type Codec = (bytes: Uint8Array, options?: object) => Promise<Uint8Array>;
type CodecWithCallback = (bytes: Uint8Array, options: object, done: (error: Error | null, result: Uint8Array) => void) => void;

const deflate = promisify(zlib.deflate) as Codec;
const inflate = promisify(zlib.inflate) as Codec;

/** Whether this Node has zstd: from 22.15 on. */
export const HAS_ZSTD = "zstdDecompress" in zlib;

const zstdOf = (name: "zstdCompress" | "zstdDecompress"): Codec => {
  const codec = (zlib as unknown as Partial<Record<string, CodecWithCallback>>)[name];
  if (codec) return promisify(codec) as Codec;
  throw new HoldfastError("UNSUPPORTED", {
    what: "this Node has no zstd (it needs 22.15 or later); choose compression deflate, or a newer Node",
  });
};

/** ZSTD_c_compressionLevel (zstd.h); `zlib.constants` has no types for it in Node 20. */
const ZSTD_LEVEL = 100;

/**
 * A function that compresses a block.
 *
 * @throws {HoldfastError} UNSUPPORTED: this Node has no zstd.
 */
export function compressor(compression: Compression, level: number): (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array> {
  if (compression === "none") return (bytes) => bytes;
  if (compression === "deflate")
    return (bytes) => deflate(bytes, { ...QUICK, level, chunkSize: Math.max(bytes.length, zlib.constants.Z_MIN_CHUNK) });
  const zstd = zstdOf("zstdCompress");
  return (bytes) => zstd(bytes, { params: { [ZSTD_LEVEL]: level } });
}

/** The reverse of {@link compressor}; a block that has more than `sizeBytes` is refused, as it could have any size. */
export async function decompress(bytes: Uint8Array, compression: Compression, sizeBytes: number): Promise<Uint8Array> {
  if (compression === "none") return bytes;
  const codec = compression === "deflate" ? inflate : zstdOf("zstdDecompress");
  return await codec(bytes, { maxOutputLength: sizeBytes });
}
