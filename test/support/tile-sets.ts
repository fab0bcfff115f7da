/** Small tile sets on simulated disks: each version has one value in all its pixels, so that a mixture shows. */
import assert from "node:assert/strict";
import { isHoldfastError } from "holdfast";
import type { SimDisk } from "holdfast/sim";
import { openTileSet, type WriteTileSetOptions, writeTileSet } from "holdfast/tiles";
import { encodeGeoTiff } from "holdfast/tiles/geotiff";

export const INDEX = "/app/out.vrt";
export const GTI = "/app/out.gti.fgb";
const SIDE = 4;

/** Writes a version of some tiles. */
export async function put(version: number, options: WriteTileSetOptions = {}, index = INDEX): Promise<void> {
  const read = ({ width, height }: { width: number; height: number }): Uint8Array => new Uint8Array(width * height).fill(version);
  const source = { width: SIDE, height: SIDE / 2, dtype: "uint8", read } as const;
  const place = index === GTI ? { geoTransform: [0, 1, 0, 0, 0, -1] as const } : {};
  const all = { tileSize: SIDE / 2, compression: "none", concurrency: 1, graceMs: 0, ...place, ...options } as const;
  await writeTileSet(index, source, all);
}

/** The version that a reader finds, 0 if there is none. Fails where there is anything but one whole version. */
export async function found(index = INDEX): Promise<number> {
  try {
    const set = await openTileSet(index);
    const { data } = await set.read({ x: 0, y: 0, width: SIDE, height: SIDE / 2 });
    await set.close();
    const [version = 0] = data as Uint8Array;
    assert.ok(
      (data as Uint8Array).every((value) => value === version),
      `a mixture: ${data.join(" ")}`,
    );
    return version;
  } catch (error) {
    if (isHoldfastError(error, "NOT_FOUND")) return 0;
    throw error;
  }
}

/** The version that a program sees that knows nothing of Holdfast: it reads what the index names, and nothing else. */
export function seenByOthers(disk: SimDisk, index = INDEX): number {
  const bytes = disk.readFile(index);
  if (bytes === undefined) return 0;
  const text = Buffer.from(bytes).toString("latin1");
  const location = index === GTI ? /(out_gti\.[0-9a-z-]+\/tile_\d\d_\d\d\.tif)/g : /<SourceFilename relativeToVRT="1">([^<]*)</g;
  const tiles = [...text.matchAll(location)].map(([, name]) => `/app/${name}`);
  const isWhole = index === GTI ? text.startsWith("fgb") : text.endsWith("-->\n");
  assert.ok(isWhole && tiles.length > 0, "the index is not whole");
  const values = tiles.map((tile) => {
    const bytes = disk.readFile(tile);
    assert.ok(bytes && bytes.length >= 256, `${tile} is not whole`);
    const offset = new DataView(bytes.buffer, bytes.byteOffset).getUint32(offsetOfBlocks(bytes), true);
    return bytes[offset] ?? 0;
  });
  assert.equal(new Set(values).size, 1, `a mixture: ${values}`);
  return values[0] ?? 0;
}

/** Where the entry of tag 324 has its value: there is one block. */
function offsetOfBlocks(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let entry = 10; entry < bytes.length - 12; entry += 12) if (view.getUint16(entry, true) === 324) return entry + 8;
  throw new Error("no blocks");
}

const NOTES = "work of weeks";
const FOREIGN = await encodeGeoTiff({ width: 2, height: 2, data: new Uint8Array(4).fill(1) }, { compression: "none" });

/** What a program that was killed leaves: a tile of version 1, and what else it had, without an index. */
export function leaveForeign(disk: SimDisk): void {
  disk.writeFile("/app/out_tiles/tile_00_00.tif", FOREIGN);
  disk.writeFile("/app/out_tiles/notes.txt", NOTES);
}

/** Where that is now: all in one directory, as it was. */
export function whereForeignIs(disk: SimDisk): string {
  const [dir, ...more] = Object.keys(disk.tree()).filter((path) => /^\/app\/out_tiles(\.quarantine-[^/]*)?\/$/.test(path));
  assert.ok(dir !== undefined && more.length === 0, `${dir} ${more}`);
  assert.deepEqual(Buffer.from(disk.readFile(`${dir}tile_00_00.tif`) ?? []), Buffer.from(FOREIGN));
  assert.equal(disk.readText(`${dir}notes.txt`), NOTES);
  return dir;
}
