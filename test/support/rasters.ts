/** Rasters for tests, and GDAL as another reader of them. */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import type { DataType, GeoTiffImage, Predictor, RasterData } from "holdfast/tiles/geotiff";
import { Seeded } from "./seeded.ts";

export const ARRAYS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Record<DataType, unknown>;
export const DATA_TYPES = Object.keys(ARRAYS) as DataType[];

/** The predictors that a type can have. */
export const predictorsOf = (dtype: DataType): Predictor[] =>
  dtype.startsWith("float") ? ["none", "horizontal", "float"] : ["none", "horizontal"];

/** Values of any bits in one half, and in the other some that rise slowly, as real ones do. NaNs are of one form. */
export function randomImage(dtype: DataType, width: number, height: number, bands: number, seed: number): GeoTiffImage {
  const choices = new Seeded(seed);
  const count = width * height * bands;
  const data = new ARRAYS[dtype](count) as RasterData;
  const bytes = new Uint8Array(data.buffer);
  for (let i = 0; i < bytes.length / 2; i++) bytes[i] = choices.int(256);
  for (let i = Math.ceil(count / 2); i < count; i++) {
    const value = Math.floor(i / 3) % 100;
    data[i] = typeof data[0] === "bigint" ? BigInt(value) : value;
  }
  for (let i = 0; i < count; i++) if (Number.isNaN(data[i])) data[i] = Number.NaN;
  return { data, width, height, bands };
}

export const bytesOf = ({ data }: Pick<GeoTiffImage, "data">): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Why a test that asks GDAL is skipped. */
export const needsGdal: string | false =
  spawnSync("gdalinfo", ["--version"], { stdio: "ignore" }).status === 0 ? false : "needs gdal-bin";

interface GdalBand {
  readonly type: string;
  readonly block: readonly [number, number];
  readonly checksum: number;
  readonly colorInterpretation: string;
  readonly noDataValue?: number | string;
}

export interface GdalInfo {
  readonly size: readonly [number, number];
  readonly geoTransform?: readonly number[];
  readonly coordinateSystem?: { readonly wkt: string };
  readonly metadata: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly bands: readonly GdalBand[];
}

/** What GDAL says of a raster. Fails where GDAL only warns, as of a tile that is missing. */
export function gdalInfo(path: string): GdalInfo {
  const { stdout, stderr, status } = spawnSync("gdalinfo", ["-json", "-checksum", path], { encoding: "utf8" });
  if (status !== 0 || /ERROR|Warning/.test(stderr)) throw new Error(`gdalinfo of ${path}: ${stderr}`);
  return JSON.parse(stdout) as GdalInfo;
}

/** The values that GDAL reads, as they are in memory. Written by GDAL as one strip without compression. */
export function gdalValues(path: string, { width, height, bands = 1, data }: GeoTiffImage): Buffer {
  const plain = `${path}.plain.tif`;
  const options = ["COMPRESS=NONE", "TILED=NO", `BLOCKYSIZE=${height}`, "INTERLEAVE=PIXEL", "BIGTIFF=NO", "SPARSE_OK=NO"];
  execFileSync("gdal_translate", ["-q", ...options.flatMap((option) => ["-co", option]), path, plain], { stdio: "pipe" });
  const bytes = fs.readFileSync(plain);
  fs.rmSync(plain);
  const [offset, count] = [stripTag(bytes, 273), stripTag(bytes, 279)];
  if (count !== width * height * bands * data.BYTES_PER_ELEMENT) throw new Error(`GDAL has ${count} bytes of ${path}`);
  return bytes.subarray(offset, offset + count);
}

/** The number of a tag that has one, in a classic little-endian file. */
function stripTag(bytes: Buffer, wanted: number): number {
  const start = bytes.readUInt32LE(4);
  for (let i = 0; i < bytes.readUInt16LE(start); i++) {
    const entry = start + 2 + i * 12;
    if (bytes.readUInt16LE(entry) !== wanted) continue;
    return bytes.readUInt16LE(entry + 2) === 3 ? bytes.readUInt16LE(entry + 8) : bytes.readUInt32LE(entry + 8);
  }
  throw new Error(`no tag ${wanted}`);
}
