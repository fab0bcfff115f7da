/** The record of one generation: what the raster is, and each tile with its size and digest. */
import { createHash } from "node:crypto";
import { HoldfastError } from "../errors.ts";
import type { KnownCrs } from "./geotiff/geo.ts";
import type { DataType, GeoTransform, PixelWindow } from "./geotiff/index.ts";

export const VERSION = 1;

/** What a raster is, without its values. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Side of a tile in pixels; those at the right and lower edge are smaller. */
  readonly tileSize: number;
  readonly crs: KnownCrs | undefined;
  readonly geoTransform: GeoTransform | undefined;
  /** As GDAL writes it, exact for 64 bits too. */
  readonly nodata: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of the values 0, 1, 2 ... */
  readonly categories: readonly string[];
}

/** One tile of a generation. */
export interface TileRecord {
  readonly row: number;
  readonly col: number;
  /** In the directory of the generation. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Size of the blocks in it, for the index. */
  readonly block: readonly [width: number, height: number];
}

/** All of a generation. */
export interface Manifest {
  readonly format: "holdfast-tiles";
  readonly version: typeof VERSION;
  /** The directory that it is in. */
  readonly directory: string;
  readonly raster: Raster;
  /** Row by row. */
  readonly tiles: readonly TileRecord[];
}

/** SHA-256 as hexadecimal digits. */
export const sha256 = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** What the manifest says of a tile with these bytes. */
export function recordOf(place: Pick<TileRecord, "block" | "col" | "name" | "row">, bytes: Uint8Array): TileRecord {
  const { row, col, name, block } = place;
  return { row, col, name, sizeBytes: bytes.length, sha256: sha256(bytes), block };
}

/** The bytes of a manifest: the same for the same content. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return Buffer.from(`${JSON.stringify(manifest)}\n`, "utf8");
}

/**
 * The manifest in bytes whose digest has been checked: they are what {@link encodeManifest} has given, of this version or another.
 *
 * @throws {HoldfastError} UNSUPPORTED: of a newer one.
 */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const manifest = JSON.parse(Buffer.from(bytes).toString("utf8")) as Manifest;
  if (manifest.version === VERSION) return manifest;
  const what = `the tile set has format ${manifest.version}, and this version of Holdfast knows up to ${VERSION}`;
  throw new HoldfastError("UNSUPPORTED", { what, path });
}

/** How many rows and columns of tiles a raster has. */
export function gridOf({ width, height, tileSize }: Pick<Raster, "height" | "tileSize" | "width">): {
  readonly rows: number;
  readonly cols: number;
} {
  return { rows: Math.ceil(height / tileSize), cols: Math.ceil(width / tileSize) };
}

/** The pixels of a tile. */
export function windowOf(
  { width, height, tileSize }: Pick<Raster, "height" | "tileSize" | "width">,
  row: number,
  col: number,
): PixelWindow {
  const [x, y] = [col * tileSize, row * tileSize];
  return { x, y, width: Math.min(tileSize, width - x), height: Math.min(tileSize, height - y) };
}

/** What each band shows, in GDAL's words and as the tiles themselves say: encode.ts. */
export function coloursOf({ bands, dtype }: Pick<Raster, "bands" | "dtype">): readonly string[] {
  const named = dtype === "uint8" && (bands === 3 || bands === 4) ? ["Red", "Green", "Blue", "Alpha"] : ["Gray"];
  return Array.from({ length: bands }, (_, band) => named[band] ?? "Undefined");
}

/** Where a tile is, from where the raster is. */
export function transformOf(transform: GeoTransform | undefined, { x, y }: PixelWindow): GeoTransform | undefined {
  if (!transform) return undefined;
  const [x0, dx, rx, y0, ry, dy] = transform;
  return [x0 + x * dx + y * rx, dx, rx, y0 + x * ry + y * dy, ry, dy];
}
