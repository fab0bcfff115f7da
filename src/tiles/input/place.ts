/** Where an input is on the earth, as GDAL reads it (gtiffdataset_read.cpp, gt_wkt_srs.cpp). */

import { checkTransform, type KnownCrs } from "../geotiff/geo.ts";
import type { GeoTransform } from "../geotiff/index.ts";
import type { InputFile } from "./input-file.ts";
import type { Tags } from "./tags.ts";

/** Keys of tag GeoKeyDirectory (OGC 19-008, 7.5). */
const KEY = { model: 1024, raster: 1025, geographic: 2048, projected: 3072, vertical: 4096 } as const;
const PIXEL_IS_POINT = 2;
/** What a key has that no code says. */
const USER_DEFINED = 32_767;

/** The keys with a number each. */
function geoKeys(tags: Tags): ReadonlyMap<number, number> {
  const numbers = tags.numbers(34735);
  const keys = new Map<number, number>();
  for (let at = 4; at + 3 < numbers.length; at += 4) {
    const [key, location, value] = [numbers[at], numbers[at + 1], numbers[at + 3]];
    if (key !== undefined && location === 0 && value !== undefined) keys.set(key, value);
  }
  return keys;
}

/** Whether a pixel stands for a point, its centre. */
export const isPoint = (tags: Tags): boolean => geoKeys(tags).get(KEY.raster) === PIXEL_IS_POINT;

/** Whether it has a reference system of heights, which a tile set can't have. */
export const hasHeights = (tags: Tags): boolean => geoKeys(tags).has(KEY.vertical);

/** @throws {HoldfastError} UNSUPPORTED: it has one without a code. */
export function crsOf(tags: Tags, file: InputFile): KnownCrs | undefined {
  const keys = geoKeys(tags);
  const [model = 0, projected, geographic] = [keys.get(KEY.model), keys.get(KEY.projected), keys.get(KEY.geographic)];
  const isProjected = model === 1 || (model === 0 && projected !== undefined);
  const isGeographic = model === 2 || (model === 0 && !isProjected && geographic !== undefined);
  if (model === 0 && !isProjected && !isGeographic) return undefined;
  const epsg = isProjected ? projected : isGeographic ? geographic : undefined;
  if (epsg !== undefined && epsg >= 1024 && epsg < USER_DEFINED) return { epsg, kind: isProjected ? "projected" : "geographic" };
  const name = tags.text(34737)?.split("|")[0];
  throw file.unsupported(
    `the reference system of the input${name ? ` (${name})` : ""} has no EPSG code, by which a tile set names it: ` +
      "if you know one that is the same, give it (option crs, --crs); else gdalwarp -t_srs to one that has",
  );
}

/** @throws {HoldfastError} UNSUPPORTED: it is placed by points of the ground; SOURCE_FAILED: nowhere that can be. */
export function transformOf(tags: Tags, file: InputFile): GeoTransform | undefined {
  const transform = inTags(tags, file);
  if (!transform) return undefined;
  const [x, dx, rx, y, ry, dy] = transform;
  // The place of a point is that of its centre; GDAL's is that of the corner of a pixel.
  const placed: GeoTransform = isPoint(tags) ? [x - (dx * 0.5 + rx * 0.5), dx, rx, y - (ry * 0.5 + dy * 0.5), ry, dy] : transform;
  try {
    return checkTransform(placed);
  } catch (error) {
    throw file.damage(`it maps its pixels to no area (${placed.join(", ")})`, error);
  }
}

function inTags(tags: Tags, file: InputFile): GeoTransform | undefined {
  const [scale, points, matrix] = [tags.numbers(33550), tags.numbers(33922), tags.numbers(34264)];
  const [dx = 0, dy = 0] = scale;
  if (dx !== 0 && dy !== 0 && points.length >= 6) {
    const [column = 0, row = 0, , x = 0, y = 0] = points;
    const down = -Math.abs(dy); // as GDAL, which takes a scale below zero for a mistake of the writer
    return [x - column * dx, dx, 0, y - row * down, 0, down];
  }
  if (matrix.length >= 8) {
    const [a = 0, b = 0, , x = 0, c = 0, d = 0, , y = 0] = matrix;
    return [x, a, b, y, c, d];
  }
  if (points.length < 6) return undefined;
  throw file.unsupported(
    `the input is placed by ${points.length / 6} ground control points, which a tile set can't have: gdalwarp it first`,
  );
}
