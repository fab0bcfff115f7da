/**
 * An index as GDAL's raster tile index: a FlatGeobuf layer with the bounds and the name of each tile, and in its metadata what the
 * raster is. GDAL opens it in one time however many tiles there are, and reads of it what a window needs.
 * Source: the GDAL documentation, "GTI -- GDAL Raster Tile Index". GDAL 3.9.
 */
import { TYPES } from "../geotiff/types.ts";
import { coloursOf, type Manifest, type Raster, sha256, windowOf } from "../manifest.ts";
import { type FoundIndex, pointerTo } from "../pointer.ts";
import { type Box, encodeFlatGeobuf } from "./flat-geobuf.ts";

/** Names of metadata that GDAL acts on, or that are ours. */
const RESERVED =
  /^(RES[XY]|BAND_COUNT|DATA_TYPE|NODATA|M(IN|AX)[XY]|GEOTRANSFORM|[XY]SIZE|COLOR_INTERPRETATION|SRS|FILTER|LOCATION_FIELD|SORT_FIELD(_ASC)?|BLOCK[XY]SIZE|MASK_BAND|RESAMPLING|INTERLEAVE|TILE_INDEX_.*|BAND_\d+_.*|OVERVIEW_\d+_.*|HOLDFAST_.*)$/i;

/** @throws {RangeError} The raster can't have such an index. */
export function checkGti({ dtype, geoTransform, metadata, nodata }: Raster): void {
  if (!geoTransform) throw new RangeError("a .gti.fgb needs option geoTransform: GDAL finds its tiles by their coordinates");
  const [, dx, rx, , ry, dy] = geoTransform;
  if (rx !== 0 || ry !== 0 || dx <= 0 || dy >= 0) {
    throw new RangeError("option geoTransform must have north up and no rotation for a .gti.fgb; write a .vrt instead");
  }
  if (TYPES[dtype].range && nodata !== undefined && !Number.isSafeInteger(Number(nodata))) {
    throw new RangeError(`option nodata: GDAL can't read ${nodata} exactly from a .gti.fgb; write a .vrt instead`);
  }
  const taken = Object.keys(metadata).find((name) => RESERVED.test(name));
  if (taken !== undefined) {
    throw new RangeError(
      `option metadata: GDAL takes ${JSON.stringify(taken)} in a .gti.fgb for an instruction; leave it out, or write a .vrt`,
    );
  }
}

/** Stands in the digest's place while it is computed. */
const NO_DIGEST = "0".repeat(64);

/** The bytes of an index, always the same for one manifest. */
export function renderGti(manifest: Manifest, manifestSha256: string): Uint8Array {
  const { directory, raster, tiles } = manifest;
  const { width, height, bands, dtype, geoTransform, nodata, crs } = raster;
  const [blockWidth, blockHeight] = tiles[0]?.block ?? [];
  const metadata = {
    HOLDFAST_INDEX_SHA256: NO_DIGEST, // the first, so that no name or text can be taken for it
    HOLDFAST_MANIFEST_SHA256: manifestSha256,
    HOLDFAST_DIRECTORY: directory,
    XSIZE: String(width),
    YSIZE: String(height),
    GEOTRANSFORM: String(geoTransform),
    BAND_COUNT: String(bands),
    DATA_TYPE: TYPES[dtype].gdal,
    ...(nodata === undefined ? {} : { NODATA: nodata }),
    COLOR_INTERPRETATION: coloursOf(raster).join(),
    BLOCKXSIZE: String(blockWidth),
    BLOCKYSIZE: String(blockHeight),
    ...raster.metadata,
  };
  const layer = { name: "tiles", column: "location", epsg: crs?.epsg, metadata };
  const rectangles = tiles.map(({ row, col, name }) => ({ box: boundsOf(raster, row, col), text: `${directory}/${name}` }));
  const bytes = encodeFlatGeobuf(layer, rectangles);
  bytes.write(sha256(bytes), bytes.indexOf(NO_DIGEST), "latin1");
  return bytes;
}

/**
 * Parts of a pixel by which bounds are smaller than the tile. GDAL 3.9 gives no data for a window whose edge is that of a tile, if the
 * bounds of the tile on the other side touch it.
 */
const INSET = 1 / 1024;

function boundsOf(raster: Raster, row: number, col: number): Box {
  const { x, y, width, height } = windowOf(raster, row, col);
  const [left, dx, , top, , dy] = raster.geoTransform ?? [0, 1, 0, 0, 0, -1];
  return [left + (x + INSET) * dx, top + (y + height - INSET) * dy, left + (x + width - INSET) * dx, top + (y + INSET) * dy];
}

const MARK = '"HOLDFAST_INDEX_SHA256":"';
const POINTER = /^([0-9a-f]{64})","HOLDFAST_MANIFEST_SHA256":"([0-9a-f]{64})","HOLDFAST_DIRECTORY":("(?:[^"\\]|\\.)*")/;
/** More than the two digests and the longest name of a directory, each letter of it escaped, can take. */
const POINTER_BYTES_MAX = 4096;

/** What an index says. */
export function parseGti(bytes: Uint8Array): FoundIndex {
  const buffer = Buffer.from(bytes);
  const mark = buffer.indexOf(MARK);
  if (mark < 0) return "foreign";
  const start = mark + MARK.length;
  const [, digest, manifestSha256, directory] = POINTER.exec(buffer.toString("utf8", start, start + POINTER_BYTES_MAX)) ?? [];
  if (digest === undefined || manifestSha256 === undefined || directory === undefined) return "damaged";
  buffer.write(NO_DIGEST, start, "latin1");
  return sha256(buffer) === digest ? pointerTo(JSON.parse(directory) as string, manifestSha256) : "damaged";
}
