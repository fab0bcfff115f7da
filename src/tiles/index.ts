/**
 * Tile sets: a raster as many GeoTIFF tiles and one GDAL index, published as one.
 *
 * @packageDocumentation
 */
export type { DamagedTile } from "./examine.ts";
export { type BuildTileSetOptions, buildTileSet, type TileSetBuild } from "./input/build-tile-set.ts";
export {
  type OpenTileSetOptions,
  openTileSet,
  type ReadWindowOptions,
  type TileFacts,
  TileSet,
  type WindowData,
} from "./open-tile-set.ts";
export type { RepairTileSetOptions, TileProgress, WriteTileSetOptions } from "./options.ts";
export { repairTileSet, type TileSetRepair } from "./repair-tile-set.ts";
export type { RasterShape, SourceTile, TileSource, TileStreamSource, WindowSource } from "./source.ts";
export { tileSetKind } from "./tile-set-kind.ts";
export { type TileSetResult, writeTileSet } from "./write-tile-set.ts";
