/** Tile sets with a raster tile index (`.gti.fgb`): as GDAL reads them, and what is asked of a raster that has one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { openTileSet, repairTileSet, type WriteTileSetOptions, writeTileSet } from "holdfast/tiles";
import { encodeGeoTiff, type GeoTiffImage } from "holdfast/tiles/geotiff";
import { factsOf, type Gdal, type GdalInfo, GTI_GDALS, gdalValues, needsGdal } from "../support/gdal.ts";
import { needsPosix } from "../support/needs.ts";
import { bytesOf, randomImage } from "../support/rasters.ts";
import { leftovers } from "../support/temp-dir.ts";
import { generations, place, valuesOf } from "../support/tile-files.ts";

/** Without a reference system and without compression: GDAL as WebAssembly has neither. */
const PLACED = { geoTransform: [5e5, 10, 0, 53e5, 0, -10], compression: "none", tileSize: 20 } as const;

interface Form {
  readonly name: string;
  readonly image: GeoTiffImage;
  readonly options?: WriteTileSetOptions;
}

const FORMS: readonly Form[] = [
  { name: "float.gti.fgb", image: randomImage("float32", 70, 33, 1, 1), options: { nodata: Number.NaN } },
  { name: "int16.gti.fgb", image: randomImage("int16", 41, 40, 1, 2), options: { nodata: -32_768, resume: "x" } },
  {
    name: "red & <green> 'blue' \u00fc \u{1f3d4}.gti.fgb",
    image: randomImage("uint8", 40, 45, 3, 3),
    options: { metadata: { a: '1 < "2" \u00fc' } },
  },
  { name: "row.gti.fgb", image: randomImage("uint32", 50, 1, 2, 4) },
  { name: "column.gti.fgb", image: randomImage("float64", 1, 50, 1, 5) },
  { name: "one.gti.fgb", image: randomImage("uint16", 7, 5, 1, 6) },
  // a tree of three levels
  { name: "many.gti.fgb", image: randomImage("uint8", 34, 32, 1, 7), options: { tileSize: 2 } },
];

/** The texts of the raster, without ours, and without what GDAL says of every GeoTIFF. */
const textsOf = ({ metadata }: GdalInfo): object =>
  Object.fromEntries(Object.entries(metadata[""] ?? {}).filter(([name]) => !/^HOLDFAST_|^AREA_OR_POINT$/.test(name)));

async function expectAsOneFile(gdal: Gdal, { dir, vrt }: ReturnType<typeof place>, { image, options }: Form): Promise<void> {
  const whole = path.join(dir, "whole.tif");
  const { resume: _, tileSize: __, ...same } = { ...PLACED, ...options };
  fs.writeFileSync(whole, await encodeGeoTiff(image, same));
  const [ours, one] = [await gdal.info(vrt), await gdal.info(whole)];
  assert.deepEqual([factsOf(ours), textsOf(ours)], [factsOf(one), textsOf(one)]);
  assert.deepEqual(await gdalValues(gdal, vrt, image), bytesOf(image));
}

for (const gdal of GTI_GDALS) {
  describe(`${gdal.name} reads a raster tile index`, { skip: gdal.skip }, () => {
    for (const form of FORMS) {
      it(`RAS-01: ${form.name}`, async (t) => {
        const at = place(t, form.name);
        await writeTileSet(at.vrt, form.image, { ...PLACED, ...form.options });
        await expectAsOneFile(gdal, at, form);
      });
    }

    it("after the set was moved, and replaced", async (t) => {
      const { dir, vrt } = place(t, "a.gti.fgb");
      const [first, second] = [randomImage("uint8", 60, 60, 1, 8), randomImage("uint8", 60, 60, 1, 9)];
      await writeTileSet(vrt, first, PLACED);
      const moved = path.join(place(t).dir, "moved");
      fs.renameSync(dir, moved);
      fs.mkdirSync(dir);
      const there = path.join(moved, "a.gti.fgb");
      assert.deepEqual(await gdalValues(gdal, there, first), bytesOf(first));
      await writeTileSet(there, second, PLACED);
      assert.deepEqual(await gdalValues(gdal, there, second), bytesOf(second));
    });

    it("not what is damaged: this test would see it", async (t) => {
      const at = place(t, "a.gti.fgb");
      const [image, other] = [randomImage("uint8", 60, 60, 1, 8), randomImage("uint8", 60, 60, 1, 9)];
      const { directory } = await writeTileSet(at.vrt, image, PLACED);
      const { directory: from } = await writeTileSet(path.join(at.dir, "other.gti.fgb"), other, PLACED);
      fs.copyFileSync(path.join(from, "tile_01_01.tif"), path.join(directory, "tile_01_01.tif"));
      await assert.rejects(expectAsOneFile(gdal, at, { name: "", image }), { name: "AssertionError" });
    });
  });
}

describe("a FlatGeobuf index", { skip: needsGdal }, () => {
  it("is a layer that any GDAL reads: each tile within its bounds, found by its tree", async (t) => {
    const { vrt } = place(t, "a.gti.fgb");
    const { directory } = await writeTileSet(vrt, randomImage("uint8", 200, 150, 1, 1), {
      ...PLACED,
      crs: 32633,
      tileSize: 5,
      durability: "volatile",
    });
    const ask = (...options: string[]): string => execFileSync("ogrinfo", ["-al", ...options, vrt], { encoding: "utf8" });
    const all = ask("-so");
    assert.match(all, /Feature Count: 1200/);
    assert.match(all, /ID\["EPSG",32633\]\]/);
    // 2 by 3 tiles: columns 30 and 31, rows 10 to 12
    const found = ask("-q", "-spat", "501501", "5299351", "501599", "5299499");
    const names = [...found.matchAll(/location \(String\) = (.*)/g)].map(([, name]) => name);
    const expected = [10, 11, 12].flatMap((row) => [30, 31].map((col) => `tile_${row}_${col}.tif`));
    assert.deepEqual(
      names.sort(),
      expected.map((name) => `${path.basename(directory)}/${name}`),
    );
    assert.match(found, /POLYGON \(\(501500\.0\d+ 5299499\.9\d+,/);
  });
});

describe("a tile set with a .gti.fgb", () => {
  it("is read and verified, and its lost or damaged index made again as it was", async (t) => {
    const { dir, vrt } = place(t, process.platform === "win32" ? "quote'.gti.fgb" : 'q"uote.gti.fgb');
    const image = randomImage("int16", 50, 30, 1, 1);
    await writeTileSet(vrt, image, PLACED);
    assert.ok(bytesOf(image).equals(await valuesOf(vrt)));
    const bytes = fs.readFileSync(vrt);
    const damages: Record<string, (index: Buffer) => Buffer | undefined> = {
      lost: () => undefined,
      "cut short": (index) => index.subarray(0, 1000),
      empty: () => Buffer.alloc(0),
      "zeros at its start": (index) => index.fill(0, 0, 512),
      "zeros at its end": (index) => index.fill(0, index.length - 100),
      "one bit": (index) => index.fill((index[700] ?? 0) ^ 4, 700, 701),
      "another name": (index) => index.fill("a", index.indexOf("_gti.00"), index.indexOf("_gti.00") + 1),
    };
    for (const [name, damage] of Object.entries(damages)) {
      const damaged = damage(Buffer.from(bytes));
      if (damaged) fs.writeFileSync(vrt, damaged);
      else fs.rmSync(vrt);
      const code = damaged ? "CORRUPT_TILES" : "NOT_FOUND";
      await assert.rejects(openTileSet(vrt), { code }, name);
      assert.equal((await repairTileSet(vrt)).index, "rebuilt", name);
      assert.ok(bytes.equals(fs.readFileSync(vrt)), name);
    }
    assert.deepEqual([leftovers(dir), generations(dir).length], [[], 1]);
  });

  it("is another set than that of a .vrt beside it", async (t) => {
    const { dir, vrt } = place(t, "a.vrt");
    const gti = path.join(dir, "a.gti.fgb");
    const put = (at: string, value: number): Promise<unknown> =>
      writeTileSet(at, { width: 30, height: 20, data: new Uint8Array(600).fill(value) }, { ...PLACED, graceMs: 0 });
    for (const value of [1, 2, 3]) await Promise.all([put(vrt, value), put(gti, 10 * value)]);
    assert.deepEqual([...new Set(await valuesOf(vrt)), ...new Set(await valuesOf(gti))], [3, 30]);
    fs.rmSync(gti);
    await put(vrt, 4);
    await repairTileSet(gti);
    assert.deepEqual([...new Set(await valuesOf(vrt)), ...new Set(await valuesOf(gti))], [4, 30]);
  });

  it("an index of another program in its place is not replaced by a repair", async (t) => {
    const { vrt } = place(t, "a.gti.fgb");
    await writeTileSet(vrt, randomImage("uint8", 30, 20, 1, 1), PLACED);
    const other = Buffer.concat([fs.readFileSync(vrt).subarray(0, 8), Buffer.alloc(600, 1)]);
    fs.writeFileSync(vrt, other);
    await assert.rejects(openTileSet(vrt), { code: "UNSUPPORTED" });
    await assert.rejects(repairTileSet(vrt), { code: "UNSUPPORTED" });
    assert.ok(other.equals(fs.readFileSync(vrt)));
  });

  const REFUSED: Record<
    string,
    { readonly options: WriteTileSetOptions; readonly image?: GeoTiffImage; readonly message: RegExp }
  > = {
    "a raster without a place": { options: { geoTransform: undefined }, message: /needs option geoTransform/ },
    "one that is turned": { options: { geoTransform: [0, 0.8, 0.6, 0, 0.6, -0.8] }, message: /no rotation/ },
    "one with south up": { options: { geoTransform: [0, 1, 0, 0, 0, 1] }, message: /north up/ },
    "a no-data value that GDAL would round": {
      options: { nodata: 2n ** 62n + 1n },
      image: randomImage("int64", 3, 3, 1, 1),
      message: /4611686018427387905 exactly/,
    },
    "metadata on which GDAL would act": { options: { metadata: { resx: "1" } }, message: /"resx"/ },
  };
  for (const [name, { options, image = randomImage("uint8", 3, 3, 1, 1), message }] of Object.entries(REFUSED)) {
    it(`refuses ${name} before anything is touched, and a .vrt takes it`, async (t) => {
      const { dir, vrt } = place(t, "a.gti.fgb");
      const all = { ...PLACED, ...options };
      await assert.rejects(writeTileSet(vrt, image, all), (error) => error instanceof RangeError && message.test(error.message));
      assert.deepEqual(fs.readdirSync(dir), []);
      await writeTileSet(path.join(dir, "a.vrt"), image, all);
    });
  }

  it("may be in a directory of any name, and is asked for the same there", { skip: needsPosix }, async (t) => {
    const dir = path.join(place(t).dir, "a\nb");
    fs.mkdirSync(dir);
    const image = randomImage("uint8", 30, 20, 1, 1);
    for (const name of ["a.vrt", "a.gti.fgb"]) {
      await writeTileSet(path.join(dir, name), image, PLACED);
      assert.ok(bytesOf(image).equals(await valuesOf(path.join(dir, name))));
    }
    await assert.rejects(writeTileSet(path.join(dir, "b.gti.fgb"), image), RangeError);
  });

  it("refuses a link that leads to the other form", { skip: needsPosix }, async (t) => {
    const { dir, vrt } = place(t, "a.gti.fgb");
    fs.symlinkSync(path.join(dir, "b.vrt"), vrt);
    await assert.rejects(writeTileSet(vrt, randomImage("uint8", 3, 3, 1, 1), PLACED), { code: "INVALID_NAME" });
  });
});
