/** Rasters for tests. */
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
