/** What geo.ts has written as tags, or another program: where an image is, and which value stands for no data. */
import type { Tags } from "./decode.ts";
import type { GeoTransform } from "./geo.ts";

/** What the tags of a file say. */
export interface Where {
  readonly transform: GeoTransform | undefined;
  /** The code of the reference system; undefined: none, or one without a code. */
  readonly epsg: number | undefined;
  readonly nodata: string | undefined;
}

/** Raster type (OGC 19-008, 7.5.2): a pixel is an area; a point would be half a pixel away. */
const RASTER_TYPE = 1025;
const IS_AREA = 1;
/** ProjectedCRS and GeodeticCRS. */
const CODES = [3072, 2048];

/** Undefined: pixels are points there, which is none of what Holdfast writes. */
export function whereIs(tags: Tags): Where | undefined {
  const keys = geoKeysIn(tags.get(34735) ?? []);
  if ((keys.get(RASTER_TYPE) ?? IS_AREA) !== IS_AREA) return undefined;
  const text = tags.get(42113); // GDAL_NODATA
  const epsg = CODES.map((id) => keys.get(id)).find((code) => code !== undefined);
  const nodata = text && Buffer.from(text).toString("latin1").replaceAll("\0", "").trim();
  return { transform: transformIn(tags), epsg, nodata };
}

function transformIn(tags: Tags): GeoTransform | undefined {
  const matrix = tags.get(34264); // ModelTransformation
  if (matrix) {
    const [dx = 0, rx = 0, , x = 0, ry = 0, dy = 0, , y = 0] = matrix;
    return [x, dx, rx, y, ry, dy];
  }
  const [scale, point] = [tags.get(33550), tags.get(33922)]; // ModelPixelScale, ModelTiepoint
  if (!scale || !point) return undefined;
  const [dx = 0, dy = 0] = scale;
  const [column = 0, row = 0, , x = 0, y = 0] = point;
  return [x - column * dx, dx, 0, y + row * dy, 0, -dy];
}

/** Keys whose value is a number in the directory itself (OGC 19-008, 7.1.1). */
function geoKeysIn(directory: readonly number[]): Map<number, number> {
  const keys = new Map<number, number>();
  for (let at = 4; at + 3 < directory.length; at += 4) {
    const [id = 0, location, , value = 0] = directory.slice(at, at + 4);
    if (location === 0) keys.set(id, value);
  }
  return keys;
}
