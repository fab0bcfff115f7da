/** Overviews: an image again in smaller versions, in the same file, so that a reader that shows all of it need not read all of it. */
import { nodataNumber } from "./geo.ts";
import { type Pixels, pixelsOf } from "./pixels.ts";
import { type DataType, type RasterData, TYPES, type TypeFacts } from "./types.ts";

/**
 * How a pixel follows from two by two: `average`, the mean of those that have data; `nearest`, the upper left one, for values that
 * are names.
 */
export type Overviews = "average" | "nearest";

/** Half as wide and high as an image; the last column or row of an odd number stands for itself. */
export function halved(
  { data, width, height, bands, start, stride }: Pixels,
  dtype: DataType,
  nodata: string | undefined,
  overviews: Overviews,
): Pixels {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2), bands };
  const count = half.width * half.height * bands;
  const values = TYPES[dtype].view(new Uint8Array(count * TYPES[dtype].bytes));
  const combine = overviews === "nearest" ? undefined : meanOf(dtype, nodata);
  const four: (bigint | number)[] = [];
  let to = 0;
  for (let y = 0; y < height; y += 2) {
    const below = y + 1 < height ? stride : 0;
    for (let x = 0; x < width; x += 2) {
      const right = x + 1 < width ? bands : 0;
      const first = start + y * stride + x * bands;
      for (let at = first; at < first + bands; at++, to++) {
        if (!combine) {
          values[to] = data[at] as never;
          continue;
        }
        four.length = 0;
        four.push(data[at] as number);
        if (right > 0) four.push(data[at + right] as number);
        if (below > 0) four.push(data[at + below] as number);
        if (right > 0 && below > 0) four.push(data[at + right + below] as number);
        values[to] = combine(four) as never;
      }
    }
  }
  return pixelsOf({ ...half, data: values as RasterData });
}

type Mean = (values: readonly (bigint | number)[]) => bigint | number;

/** What has no data is left out; where nothing has, the first stays. A mean that would say "no data" gives way to the next value. */
function meanOf(dtype: DataType, nodata: string | undefined): Mean {
  const { bytes, range } = TYPES[dtype];
  const isBig = bytes === 8 && range !== undefined;
  const mean = (isBig ? bigMean : range ? wholeMean : floatMean) as Mean;
  const none = nodata === undefined ? undefined : isBig ? BigInt(nodata) : nodataNumber(nodata);
  return (values) => {
    const there = values.filter((value) => value !== none && !Number.isNaN(value));
    const [only = values[0] as number] = there;
    if (there.length < 2) return only;
    const found = mean(there);
    return none !== undefined && isSame(found, none, dtype) ? next(none, TYPES[dtype]) : found;
  };
}

const isSame = (found: bigint | number, none: bigint | number, dtype: DataType): boolean =>
  found === none || (dtype === "float32" && Math.fround(Number(found)) === none);

/** A neighbour of a value that the type has: the one above, or of the greatest integer the one below. */
function next(value: bigint | number, { bytes, range }: TypeFacts): bigint | number {
  if (typeof value === "bigint") return value === range?.[1] ? value - 1n : value + 1n;
  if (range) return value === Number(range[1]) ? value - 1 : value + 1;
  return nextFloat(value, bytes);
}

/** The next number above it that the type has. */
function nextFloat(value: number, bytes: number): number {
  if (!Number.isFinite(value)) return value;
  const view = new DataView(new ArrayBuffer(8));
  const step = value < 0 ? -1 : 1;
  if (bytes === 4) {
    view.setFloat32(0, value);
    view.setInt32(0, view.getInt32(0) + step);
    return view.getFloat32(0);
  }
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(step));
  return view.getFloat64(0);
}

const floatMean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value) / values.length;

/** Halves go away from zero, as in GDAL. */
function wholeMean(values: readonly number[]): number {
  const mean = floatMean(values);
  return Math.sign(mean) * Math.floor(Math.abs(mean) + 0.5);
}

function bigMean(values: readonly bigint[]): bigint {
  const [sum, count] = [values.reduce((one, other) => one + other), BigInt(values.length)];
  return sum < 0n ? -((-2n * sum + count) / (2n * count)) : (2n * sum + count) / (2n * count);
}
