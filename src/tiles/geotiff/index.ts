/**
 * Tiled, compressed, georeferenced GeoTIFF files, as bytes.
 *
 * @packageDocumentation
 */
export type { Compression } from "./compress.ts";
export { encodeGeoTiff, type GeoTiffImage, type PixelWindow, streamGeoTiff } from "./encode.ts";
export type { CrsKind } from "./epsg.ts";
export type { Crs, GeoTransform } from "./geo.ts";
export type { GeoTiffOptions, GeoTiffShape } from "./options.ts";
export type { Overviews } from "./overviews.ts";
export type { Predictor } from "./predictor.ts";
export type { DataType, RasterData } from "./types.ts";
