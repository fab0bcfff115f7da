/** Tile sets as GDAL reads them through their index: the same values, grid, type and no-data value as of one file. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { type WriteTileSetOptions, writeTileSet } from "holdfast/tiles";
import { encodeGeoTiff, type GeoTiffImage, type PixelWindow } from "holdfast/tiles/geotiff";
import { needsWide } from "../support/deep.ts";
import { factsOf, GDALS, type Gdal, gdalValues, native, needsGdal } from "../support/gdal.ts";
import { needs } from "../support/needs.ts";
import { bytesOf, randomImage } from "../support/rasters.ts";
import { place, small } from "../support/tile-files.ts";

interface Form {
  readonly name: string;
  readonly image: GeoTiffImage;
  readonly options: WriteTileSetOptions;
}

/** Tiles at the edges are smaller in all of them. */
const FORMS: readonly Form[] = [
  {
    name: "float.vrt",
    image: randomImage("float32", 70, 33, 1, 1),
    options: { nodata: Number.NaN, crs: 31467, geoTransform: [3.5e6, 2, 0, 5e6, 0, -2] },
  },
  {
    name: "turned.vrt",
    image: randomImage("float64", 20, 20, 1, 6),
    options: { crs: 4326, geoTransform: [10, 0.8, 0.6, 20, 0.6, -0.8] },
  },
  { name: "int16.vrt", image: small(2), options: { nodata: -32_768, compression: "none", resume: "x" } },
  {
    name: "red & <green> 'blue' \u00fc \u{1f3d4}.vrt",
    image: randomImage("uint8", 40, 45, 3, 3),
    options: { metadata: { a: "1 < 2" }, categories: ["sea", "land & co"] },
  },
  { name: "row.vrt", image: randomImage("uint32", 50, 1, 2, 4), options: {} },
  { name: "column.vrt", image: randomImage("int64", 1, 50, 1, 5), options: { nodata: 2n ** 62n } },
];

async function expectAsOneFile(gdal: Gdal, { dir, vrt }: ReturnType<typeof place>, { image, options }: Form): Promise<void> {
  const whole = path.join(dir, "whole.tif");
  const { categories: _, resume: __, ...same } = options;
  fs.writeFileSync(whole, await encodeGeoTiff(image, same));
  assert.deepEqual(factsOf(await gdal.info(vrt)), factsOf(await gdal.info(whole)));
  assert.deepEqual(await gdalValues(gdal, vrt, image), bytesOf(image));
  assert.deepEqual(await gdalValues(gdal, whole, image), bytesOf(image));
}

for (const gdal of GDALS) {
  describe(`${gdal.name} reads`, { skip: gdal.skip }, () => {
    for (const form of FORMS) {
      it(`RAS-01: ${form.name}`, async (t) => {
        const at = place(t, form.name);
        await writeTileSet(at.vrt, form.image, { tileSize: 20, ...form.options });
        await expectAsOneFile(gdal, at, form);
      });
    }

    it("RAS-13: a tile set that has no place on the earth, on its grid", async (t) => {
      const { vrt } = place(t);
      const image = randomImage("uint8", 32, 24, 1, 1);
      await writeTileSet(vrt, image, { tileSize: 16 });
      assert.deepEqual(await gdalValues(gdal, vrt, image), bytesOf(image));
      assert.equal((await gdal.info(vrt)).geoTransform, undefined);
    });

    it("RAS-19: one that was moved", async (t) => {
      const { dir, vrt } = place(t);
      await writeTileSet(vrt, small(), { tileSize: 16 });
      const other = path.join(place(t).dir, "moved");
      fs.renameSync(dir, other);
      fs.mkdirSync(dir);
      assert.deepEqual(await gdalValues(gdal, path.join(other, "out.vrt"), small()), bytesOf(small()));
    });

    it("RAS-08: values whose tiles it has made itself, where these were adopted", async (t) => {
      const { dir, vrt } = place(t);
      const image = randomImage("float32", 50, 40, 2, 7);
      const options = { crs: 32633, geoTransform: [5e5, 0.1, 0, 5e6, 0, -0.1], nodata: Number.NaN } as const;
      const whole = path.join(dir, "whole.tif");
      fs.writeFileSync(whole, await encodeGeoTiff(image, options));
      const foreign = path.join(dir, "out_tiles");
      fs.mkdirSync(foreign);
      const ways: Record<string, readonly string[]> = {
        // not these: another layout, another compression, points instead of areas
        tile_00_00: ["-co", "INTERLEAVE=BAND"],
        tile_00_01: ["-co", "COMPRESS=LZW"],
        tile_00_02: ["-mo", "AREA_OR_POINT=Point"],
        // strips, compressed or not; blocks
        tile_01_00: [],
        tile_01_01: ["-co", "COMPRESS=DEFLATE"],
        tile_01_02: ["COMPRESS=DEFLATE", "PREDICTOR=3", "TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"].flatMap((one) => [
          "-co",
          one,
        ]),
      };
      for (const [name, way] of Object.entries(ways)) {
        const [row = 0, col = 0] = name.split("_").slice(1).map(Number);
        const window = [col * 20, row * 20, Math.min(20, 50 - col * 20), 20].map(String);
        fs.writeFileSync(path.join(foreign, `${name}.tif`), await gdal.translate(whole, ["-srcwin", ...window, ...way]));
      }
      const asked: number[] = [];
      const read = ({ x, y, width, height }: PixelWindow): Float32Array => {
        asked.push(y);
        const at = (_: unknown, i: number): number =>
          image.data[((y + Math.floor(i / 2 / width)) * 50 + x + (Math.floor(i / 2) % width)) * 2 + (i % 2)] as number;
        return Float32Array.from({ length: width * height * 2 }, at);
      };
      const source = { width: 50, height: 40, bands: 2, dtype: "float32", read } as const;
      const { adoptedCount } = await writeTileSet(vrt, source, { ...options, tileSize: 20, leftovers: "adopt" });
      assert.deepEqual([adoptedCount, asked], [3, [0, 0, 0]]);
      assert.deepEqual(await gdalValues(gdal, vrt, image), bytesOf(image));
    });

    it("not what is missing or damaged: this test would see it", async (t) => {
      const { dir, vrt } = place(t);
      const { directory } = await writeTileSet(vrt, small(), { tileSize: 16 });
      const form = { name: "", image: small(), options: {} };
      fs.copyFileSync(path.join(directory, "tile_00_00.tif"), path.join(directory, "tile_01_01.tif"));
      await assert.rejects(expectAsOneFile(gdal, { dir, vrt }, form), { name: "AssertionError" });
      fs.rmSync(path.join(directory, "tile_01_01.tif"));
      await assert.rejects(gdal.info(vrt), /tile_01_01/);
    });
  });
}

describe("a raster of 4096 x 4096 float32", { skip: needs(needsWide, needsGdal) }, () => {
  it("RAS-01: is read from 256 tiles as it is from one file", async (t) => {
    const side = 4096;
    const data = Float32Array.from({ length: side * side }, (_, i) => (i % 1009 === 0 ? Number.NaN : Math.fround(i / 7)));
    const form = {
      name: "out.vrt",
      image: { data, width: side, height: side },
      options: { nodata: Number.NaN, crs: 32633, geoTransform: [5e5, 10, 0, 5.3e6, 0, -10], level: 1 } as const,
    };
    const at = place(t, form.name);
    const { tileCount } = await writeTileSet(at.vrt, form.image, form.options);
    assert.equal(tileCount, 256);
    await expectAsOneFile(native, at, form);
  });
});
