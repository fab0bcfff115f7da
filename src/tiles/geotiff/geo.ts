/** What makes a TIFF a GeoTIFF: where it is on the earth, and what GDAL adds. Checked, and as tags. */
import { escapeXml, fitsXml } from "../xml.ts";
import { type CrsKind, kindOfEpsg } from "./epsg.ts";
import { type Tag, textTag } from "./tags.ts";
import { type DataType, TYPES } from "./types.ts";

/**
 * From pixels to coordinates, in GDAL's order: x of the upper left corner, x per column, x per row; y of that corner, y per
 * column, y per row (negative where north is up).
 */
export type GeoTransform = readonly [number, number, number, number, number, number];

/** A coordinate reference system: an EPSG code, or with its kind where the code is newer than our table. */
export type Crs = number | { readonly epsg: number; readonly kind: CrsKind };

/** A checked reference system. */
export interface KnownCrs {
  readonly epsg: number;
  readonly kind: CrsKind;
}

/** Codes that a GeoKey can have (OGC 19-008, 7.5.1). */
const [EPSG_MIN, EPSG_MAX] = [1024, 32766];

/** @throws {RangeError} No code that a GeoTIFF can have, or one of unknown kind. */
export function checkCrs(crs: unknown): KnownCrs | undefined {
  if (crs === undefined) return undefined;
  const given = typeof crs === "object" && crs !== null ? (crs as Partial<KnownCrs>) : { epsg: crs };
  const { epsg } = given;
  if (typeof epsg !== "number" || !Number.isInteger(epsg) || epsg < EPSG_MIN || epsg > EPSG_MAX) {
    throw new RangeError(`option crs must be an EPSG code from ${EPSG_MIN} to ${EPSG_MAX}, or an object of epsg and kind`);
  }
  const kind = "kind" in given ? given.kind : kindOfEpsg(epsg);
  if (kind === "geographic" || kind === "projected") return { epsg, kind };
  throw new RangeError(
    `option crs: it is not known whether EPSG:${epsg} is geographic or projected; give { epsg: ${epsg}, kind: "projected" }`,
  );
}

/** @throws {RangeError} Not six numbers from which the pixel of a coordinate can be found. */
export function checkTransform(given: unknown): GeoTransform | undefined {
  if (given === undefined) return undefined;
  const numbers = Array.isArray(given) || ArrayBuffer.isView(given) ? Array.from(given as ArrayLike<unknown>) : [];
  if (numbers.length !== 6 || !numbers.every(Number.isFinite))
    throw new RangeError("option geoTransform must be six finite numbers");
  const transform = numbers as unknown as GeoTransform;
  if (transform[1] * transform[5] === transform[2] * transform[4]) {
    throw new RangeError("option geoTransform must not map the raster to a line or a point");
  }
  return transform;
}

/** The value that stands for "no data", as a text that GDAL reads: exact for 64 bits too. */
export function checkNodata(nodata: unknown, dtype: DataType): string | undefined {
  if (nodata === undefined) return undefined;
  const { range } = TYPES[dtype];
  if (range) {
    const isInteger = typeof nodata === "bigint" || Number.isSafeInteger(nodata);
    const value = isInteger ? BigInt(nodata as bigint | number) : undefined;
    if (value !== undefined && value >= range[0] && value <= range[1]) return String(value);
    throw new RangeError(`option nodata must be an integer from ${range[0]} to ${range[1]}, for values of type ${dtype}`);
  }
  if (typeof nodata !== "number") throw new RangeError(`option nodata must be a number, for values of type ${dtype}`);
  const stored = dtype === "float32" ? Math.fround(nodata) : nodata;
  if (Number.isNaN(stored)) return "nan";
  if (Number.isFinite(stored)) return Object.is(stored, -0) ? "0" : String(stored);
  if (Number.isFinite(nodata)) throw new RangeError("option nodata must be within the range of float32");
  return stored > 0 ? "inf" : "-inf";
}

/** What such a text says, as a number. */
export const nodataNumber = (text: string): number => Number(text.replace("inf", "Infinity"));

/** @throws {RangeError} Not texts by names, all of which XML can have. */
export function checkMetadata(given: unknown): Readonly<Record<string, string>> {
  if (given === undefined) return {};
  const items = typeof given === "object" && given !== null && !Array.isArray(given) ? Object.entries(given) : undefined;
  if (!items?.every(([name, text]) => name !== "" && fitsXml(name) && typeof text === "string" && fitsXml(text))) {
    throw new RangeError("option metadata must be an object of texts, without control characters");
  }
  return Object.fromEntries(items);
}

/** What {@link geoTags} needs. */
export interface Geo {
  readonly crs: KnownCrs | undefined;
  readonly transform: GeoTransform | undefined;
  readonly nodata: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The tags of all that is given. */
export function geoTags({ crs, transform, nodata, metadata }: Geo): Tag[] {
  const tags: Tag[] = [];
  if (transform) tags.push(...transformTags(transform));
  if (crs) tags.push(geoKeys(crs));
  const items = Object.entries(metadata);
  if (items.length > 0) {
    // Values are escaped twice, names once: so GDAL writes and reads it (gtiffdataset_write.cpp, WriteMDMetadata).
    const lines = items.map(([name, text]) => `  <Item name="${escapeXml(name)}">${escapeXml(escapeXml(text))}</Item>\n`);
    tags.push(textTag(42112, `<GDALMetadata>\n${lines.join("")}</GDALMetadata>\n`)); // GDAL_METADATA
  }
  if (nodata !== undefined) tags.push(textTag(42113, nodata)); // GDAL_NODATA
  return tags;
}

/** A scale and one point can say north-up only, and the matrix is read by fewer programs (OGC 19-008, 7.2). */
function transformTags([x, dx, rx, y, ry, dy]: GeoTransform): Tag[] {
  if (rx === 0 && ry === 0 && dx > 0 && dy < 0) {
    return [
      { id: 33550, type: "double", values: [dx, -dy, 0] }, // ModelPixelScale
      { id: 33922, type: "double", values: [0, 0, 0, x, y, 0] }, // ModelTiepoint
    ];
  }
  return [{ id: 34264, type: "double", values: [dx, rx, 0, x, ry, dy, 0, y, 0, 0, 0, 0, 0, 0, 0, 1] }]; // ModelTransformation
}

/** GeoKeyDirectory: version 1.1.0; GTModelType, GTRasterType (1: a pixel is an area), and the code. */
function geoKeys({ epsg, kind }: KnownCrs): Tag {
  const isProjected = kind === "projected";
  const keys = [
    [1024, 0, 1, isProjected ? 1 : 2],
    [1025, 0, 1, 1],
    [isProjected ? 3072 : 2048, 0, 1, epsg],
  ];
  return { id: 34735, type: "short", values: [1, 1, 0, keys.length, ...keys.flat()] };
}
