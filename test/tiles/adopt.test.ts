/** RAS-08: tiles that another program has left without an index, taken over. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it, type TestContext } from "node:test";
import { repairTileSet, type TileSetResult, type WriteTileSetOptions, writeTileSet } from "holdfast/tiles";
import { encodeGeoTiff, type GeoTiffOptions, type GeoTransform, type PixelWindow } from "holdfast/tiles/geotiff";
import { names } from "../support/temp-dir.ts";
import { failsWith, generations, place, valuesOf } from "../support/tile-files.ts";

/** 4 x 3 tiles of 32 x 32, the last ones smaller, of float32 with NaN for no data. */
const RASTER = { width: 120, height: 90, dtype: "float32" } as const;
const TILE = 32;
const geoTransform: GeoTransform = [500_000.1, 0.3, 0, 5_300_000.7, 0, -0.3];
const OPTIONS = { tileSize: TILE, crs: 32633, geoTransform, nodata: Number.NaN } as const satisfies WriteTileSetOptions;

/** The values of a window of this raster; no two tiles have the same. */
function valuesIn({ x, y, width, height }: PixelWindow): Float32Array {
  const valueAt = (_: unknown, at: number): number => {
    const [column, row] = [x + (at % width), y + Math.floor(at / width)];
    return (column + row) % 13 === 0 ? Number.NaN : 1 + row * RASTER.width + column;
  };
  return Float32Array.from({ length: width * height }, valueAt);
}

const windowAt = (row: number, col: number): PixelWindow => {
  const [x, y] = [col * TILE, row * TILE];
  return { x, y, width: Math.min(TILE, RASTER.width - x), height: Math.min(TILE, RASTER.height - y) };
};

/** A tile as others encode it: they may have it in another form, and come to its place by another sum. */
function foreignTile(row: number, col: number, options: GeoTiffOptions = {}, data?: Float32Array): Promise<Uint8Array> {
  const { x, y, ...size } = windowAt(row, col);
  const [x0, dx, , y0, , dy] = geoTransform;
  const at = [(x0 / dx + x) * dx, dx, 0, (y0 / dy + y) * dy, 0, dy] as const;
  const image = { ...size, data: data ?? valuesIn({ x, y, ...size }) };
  return encodeGeoTiff(image, { crs: 32633, geoTransform: at, nodata: Number.NaN, blockSize: 16, level: 1, ...options });
}

/** The raster as a source that remembers for which tiles it was asked. */
function asked(): { tiles: string[]; source: typeof RASTER & { read: (window: PixelWindow) => Float32Array } } {
  const tiles: string[] = [];
  const read = (window: PixelWindow): Float32Array => {
    tiles.push(`${window.y / TILE},${window.x / TILE}`);
    return valuesIn(window);
  };
  return { tiles, source: { ...RASTER, read } };
}

const contentsOf = (dir: string): Record<string, Buffer> =>
  Object.fromEntries(fs.readdirSync(dir).map((name) => [name, fs.readFileSync(path.join(dir, name))]));

/** Every tile of the set, and of the same written without anything to take over. */
async function expectAsFresh(t: TestContext, { directory }: TileSetResult): Promise<void> {
  const fresh = place(t);
  const other = await writeTileSet(fresh.vrt, asked().source, OPTIONS);
  const tilesOf = (dir: string): [string, Buffer][] => Object.entries(contentsOf(dir)).filter(([name]) => name.endsWith(".tif"));
  assert.deepEqual(tilesOf(directory), tilesOf(other.directory));
}

const adopt = { ...OPTIONS, leftovers: "adopt" } as const;

describe("RAS-08: tiles of another program", () => {
  it("are taken over if they are whole and tiles of this raster; all others are made, and every file is kept", async (t) => {
    const { dir, vrt } = place(t);
    const foreign = path.join(dir, "out_tiles");
    fs.mkdirSync(path.join(foreign, "tile_02_01.tif"), { recursive: true }); // a directory
    const files: Record<string, Uint8Array> = {
      "tile_00_00.tif": await foreignTile(0, 0),
      "tile_0_1.tif": await foreignTile(0, 1, { compression: "none", level: undefined }),
      "tile_000_003.tiff": await foreignTile(0, 3, { predictor: "none", bigTiff: true }),
      "tile_02_03.tif": await foreignTile(2, 3),
      // and what is not taken: cut short, zeroed, of somewhere else, of other values, of a size, twice, and nothing at all
      "tile_00_02.tif": (await foreignTile(0, 2)).subarray(0, -20),
      "tile_01_00.tif": await foreignTile(1, 0, { geoTransform }),
      "tile_01_01.tif": await foreignTile(1, 1, { nodata: -1 }),
      "tile_01_02.tif": await foreignTile(1, 2, { crs: 32634 }),
      "tile_01_03.tif": new Uint8Array(5000),
      "tile_02_00.tif": await foreignTile(0, 0),
      "tile_02_02.tif": await foreignTile(2, 2),
      "tile_2_2.tif": await foreignTile(2, 2),
      "tile_09_09.tif": await foreignTile(0, 0),
      "notes.txt": Buffer.from("work of weeks"),
    };
    for (const [name, bytes] of Object.entries(files)) fs.writeFileSync(path.join(foreign, name), bytes);
    fs.writeFileSync(vrt, "<VRTDataset rasterXSize="); // and an index that is torn

    const { tiles, source } = asked();
    const written = await writeTileSet(vrt, source, { ...adopt, concurrency: 1 });
    assert.deepEqual(tiles, ["0,2", "1,0", "1,1", "1,2", "1,3", "2,0", "2,1", "2,2"]);
    assert.equal(written.adoptedCount, 4);
    await expectAsFresh(t, written);

    assert.ok(!fs.existsSync(foreign));
    const kept = written.quarantined ?? "";
    for (const [name, bytes] of Object.entries(files))
      assert.deepEqual(fs.readFileSync(path.join(kept, name)), Buffer.from(bytes), name);
    assert.deepEqual((await repairTileSet(vrt)).damaged, []);
  });

  it("of which a page is empty are made again: a power loss leaves that where it has no checksum", async (t) => {
    const { dir, vrt } = place(t);
    const foreign = path.join(dir, "out_tiles");
    fs.mkdirSync(foreign);
    const one = { ...RASTER, width: 64, height: 64 };
    const options = { compression: "none", blockSize: 64 } as const;
    const whole = await encodeGeoTiff({ ...one, data: new Float32Array(64 * 64).fill(1) }, options);
    const torn = Uint8Array.from(whole).fill(0, 8192, 12_288);
    const read = (): Float32Array => new Float32Array(64 * 64).fill(2);
    for (const [bytes, count, value] of [
      [torn, 0, 2],
      [whole, 1, 1],
    ] as const) {
      fs.writeFileSync(path.join(foreign, "tile_00_00.tif"), bytes);
      const { adoptedCount } = await writeTileSet(vrt, { ...one, read }, { ...options, tileSize: 64, leftovers: "adopt" });
      assert.equal(adoptedCount, count);
      const values = await valuesOf(vrt);
      assert.equal(values.readFloatLE(10_000), value);
      fs.rmSync(vrt);
      for (const name of generations(dir)) fs.rmSync(path.join(dir, name), { recursive: true });
      fs.mkdirSync(foreign);
    }
  });

  it("may be turned, or be nowhere at all", async (t) => {
    const places: (GeoTransform | undefined)[] = [[10, 0.8, 0.6, 20, 0.6, -0.8], undefined];
    for (const geoTransform of places) {
      const { dir, vrt } = place(t);
      const shape = { width: 20, height: 16, dtype: "int16" } as const;
      const options = { geoTransform, tileSize: 16, leftovers: "adopt" } as const;
      const other = place(t);
      const read = ({ x, width, height }: PixelWindow): Int16Array => new Int16Array(width * height).fill(1 + x);
      const { directory } = await writeTileSet(other.vrt, { ...shape, read }, options);
      const foreign = path.join(dir, "out_tiles");
      fs.mkdirSync(foreign);
      for (const name of ["tile_00_00.tif", "tile_00_01.tif"])
        fs.copyFileSync(path.join(directory, name), path.join(foreign, name));
      const never = (): never => assert.fail("a tile was asked for that is there");
      assert.equal((await writeTileSet(vrt, { ...shape, read: never }, options)).adoptedCount, 2);
      assert.deepEqual(await valuesOf(vrt), await valuesOf(other.vrt));
    }
  });

  it("are still there if the write fails, and are taken over by the next", async (t) => {
    const { dir, vrt } = place(t);
    const foreign = path.join(dir, "out_tiles");
    fs.mkdirSync(foreign);
    fs.writeFileSync(path.join(foreign, "tile_01_01.tif"), await foreignTile(1, 1));
    const before = contentsOf(foreign);
    const read = (): never => {
      throw new Error("no");
    };
    await assert.rejects(writeTileSet(vrt, { ...RASTER, read }, adopt), failsWith("SOURCE_FAILED"));
    assert.deepEqual(contentsOf(foreign), before);
    assert.deepEqual(names(dir), ["out.vrt.lock", "out_tiles"]);
    const written = await writeTileSet(vrt, asked().source, adopt);
    assert.equal(written.adoptedCount, 1);
    await expectAsFresh(t, written);
  });

  it("are renamed only, where a version was committed before, or the source has all values at hand", async (t) => {
    const { dir, vrt } = place(t);
    const foreign = path.join(dir, "out_tiles");
    const leave = async (): Promise<void> => {
      fs.mkdirSync(foreign);
      fs.writeFileSync(path.join(foreign, "tile_00_00.tif"), await foreignTile(0, 0, {}, new Float32Array(TILE * TILE).fill(9)));
    };
    const whole = { x: 0, y: 0, width: RASTER.width, height: RASTER.height };
    const image = { width: RASTER.width, height: RASTER.height, data: valuesIn(whole) };
    for (const source of [image, asked().source]) {
      await leave();
      const written = await writeTileSet(vrt, source, adopt);
      assert.equal(written.adoptedCount, 0);
      assert.ok(fs.existsSync(path.join(written.quarantined ?? "", "tile_00_00.tif")));
      await expectAsFresh(t, written);
    }
  });
});
