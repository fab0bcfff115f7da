/** The types of values that a raster can have: what TIFF, GDAL and JavaScript call each. */

/** The values of a raster: row by row from the top left, the bands of one pixel beside each other. */
export type RasterData =
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array
  | Int16Array
  | Int32Array
  | Int8Array
  | Uint16Array
  | Uint32Array
  | Uint8Array
  | Uint8ClampedArray;

/** The type of each value of a raster. */
export type DataType = "float32" | "float64" | "int16" | "int32" | "int64" | "int8" | "uint16" | "uint32" | "uint64" | "uint8";

/** What a type is. */
export interface TypeFacts {
  readonly bytes: 1 | 2 | 4 | 8;
  /** Tag SampleFormat (TIFF 6.0, section 19). */
  readonly sampleFormat: 1 | 2 | 3;
  /** GDAL's name of it. Int64 and UInt64 need GDAL 3.5, Int8 needs 3.7. */
  readonly gdal: string;
  /** Values over the memory of `bytes`, which must be aligned. */
  readonly view: (bytes: Uint8Array) => RasterData;
  /** Least and largest integer; undefined for floating point. */
  readonly range?: readonly [bigint, bigint];
}

type Over<T> = { new (buffer: ArrayBufferLike, offset: number, length: number): T; readonly BYTES_PER_ELEMENT: number };
const over =
  <T extends RasterData>(type: Over<T>) =>
  (bytes: Uint8Array): T =>
    new type(bytes.buffer, bytes.byteOffset, bytes.byteLength / type.BYTES_PER_ELEMENT);
const signed = (bits: bigint): readonly [bigint, bigint] => [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
const unsigned = (bits: bigint): readonly [bigint, bigint] => [0n, 2n ** bits - 1n];

/** All types. */
export const TYPES: Readonly<Record<DataType, TypeFacts>> = {
  int8: { bytes: 1, sampleFormat: 2, gdal: "Int8", view: over(Int8Array), range: signed(8n) },
  uint8: { bytes: 1, sampleFormat: 1, gdal: "Byte", view: over(Uint8Array), range: unsigned(8n) },
  int16: { bytes: 2, sampleFormat: 2, gdal: "Int16", view: over(Int16Array), range: signed(16n) },
  uint16: { bytes: 2, sampleFormat: 1, gdal: "UInt16", view: over(Uint16Array), range: unsigned(16n) },
  int32: { bytes: 4, sampleFormat: 2, gdal: "Int32", view: over(Int32Array), range: signed(32n) },
  uint32: { bytes: 4, sampleFormat: 1, gdal: "UInt32", view: over(Uint32Array), range: unsigned(32n) },
  int64: { bytes: 8, sampleFormat: 2, gdal: "Int64", view: over(BigInt64Array), range: signed(64n) },
  uint64: { bytes: 8, sampleFormat: 1, gdal: "UInt64", view: over(BigUint64Array), range: unsigned(64n) },
  float32: { bytes: 4, sampleFormat: 3, gdal: "Float32", view: over(Float32Array) },
  float64: { bytes: 8, sampleFormat: 3, gdal: "Float64", view: over(Float64Array) },
};

const TYPE_OF_TAG: Readonly<Record<string, DataType>> = {
  BigInt64Array: "int64",
  BigUint64Array: "uint64",
  Float32Array: "float32",
  Float64Array: "float64",
  Int16Array: "int16",
  Int32Array: "int32",
  Int8Array: "int8",
  Uint16Array: "uint16",
  Uint32Array: "uint32",
  Uint8Array: "uint8",
  Uint8ClampedArray: "uint8",
};

/** The type of a typed array, also of another realm; undefined if it is none. */
export function typeOf(data: unknown): DataType | undefined {
  if (!ArrayBuffer.isView(data)) return undefined;
  return TYPE_OF_TAG[(data as unknown as Record<symbol, string>)[Symbol.toStringTag] ?? ""];
}

/** The values as `data` has them in memory. */
export function bytesOf(data: RasterData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Whether this machine has the least byte of a number first, as our files have. */
export const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** From the order of this machine to that of the files, and back. */
export function toFileOrder(bytes: Uint8Array, size: TypeFacts["bytes"]): void {
  if (LITTLE_ENDIAN || size === 1) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}
