/** GeoTIFF files as GDAL reads them: the same values, and all that was said about them. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { writeTileSet } from "holdfast/tiles";
import { type DataType, encodeGeoTiff, type GeoTiffImage, type GeoTiffOptions } from "holdfast/tiles/geotiff";
import { deep } from "../support/deep.ts";
import { GDALS, type GdalInfo, gdalValues, native, needsGdal } from "../support/gdal.ts";
import { ARRAYS, bytesOf, DATA_TYPES, predictorsOf, randomImage } from "../support/rasters.ts";
import { tempDir } from "../support/temp-dir.ts";

/** One size for each predictor of each type; with `deep` more, and all without compression. */
const SIZES = deep
  ? [
      [1, 1, 1],
      [33, 1, 2],
      [1, 40, 3],
      [50, 21, 4],
      [300, 270, 5],
    ]
  : [[50, 21, 3]];

for (const gdal of GDALS) {
  describe(`${gdal.name} reads what is encoded`, { skip: gdal.skip }, () => {
    for (const dtype of DATA_TYPES) {
      it(dtype, async (t) => {
        const dir = tempDir(t);
        const predictors = predictorsOf(dtype).filter((predictor) => deep || predictor !== "none" || dtype.includes("int64"));
        const ways: GeoTiffOptions[] = predictors.map((predictor) => ({ predictor }));
        if (deep || dtype === "uint16") ways.push({ compression: "none" }, { bigTiff: true });
        await Promise.all(
          SIZES.flatMap(([width = 1, height = 1, bands = 1]) =>
            ways.map(async (options, index) => {
              const image = randomImage(dtype, width, height, bands, index);
              const file = path.join(dir, `${width}x${height}-${index}.tif`);
              fs.writeFileSync(file, await encodeGeoTiff(image, { blockSize: 32, ...options }));
              assert.deepEqual(await gdalValues(gdal, file, image), bytesOf(image), JSON.stringify(options));
            }),
          ),
        );
      });
    }
  });

  describe(`${gdal.name} reads overviews`, { skip: gdal.skip }, () => {
    /** As the docstring says it, pixel by pixel. */
    const halfOf = ({ data, width, height, bands = 1 }: GeoTiffImage, dtype: DataType, nodata?: number): GeoTiffImage => {
      const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
      const half = new ARRAYS[dtype](halfWidth * halfHeight * bands) as Float64Array;
      for (let at = 0; at < half.length; at++) {
        const [x, y] = [2 * (Math.floor(at / bands) % halfWidth), 2 * Math.floor(at / bands / halfWidth)];
        const values = [x, x + 1]
          .flatMap((column) => [y, y + 1].map((row) => [column, row] as const))
          .filter(([column, row]) => column < width && row < height)
          .map(([column, row]) => Number(data[(row * width + column) * bands + (at % bands)]))
          .filter((value) => !Object.is(value, nodata));
        half[at] = values.length === 0 ? (nodata ?? 0) : values.reduce((sum, value) => sum + value) / values.length;
      }
      return { data: half, width: halfWidth, height: halfHeight, bands };
    };

    it("half the size, and half of that, of what has data; all but the last is larger than a block", async (t) => {
      const file = path.join(tempDir(t), "image.tif");
      const data = Float64Array.from({ length: 100 * 70 * 2 }, (_, i) => (i % 11 < 3 ? Number.NaN : i % 1000));
      const image = { data, width: 100, height: 70, bands: 2 };
      const options = { blockSize: 32, overviews: "average", nodata: Number.NaN } as const;
      fs.writeFileSync(file, await encodeGeoTiff(image, options));
      assert.deepEqual(await gdalValues(gdal, file, image), bytesOf(image));
      const { bands } = await gdal.info(file);
      const sizes = [
        [50, 35],
        [25, 18],
      ];
      assert.deepEqual(
        bands[0]?.overviews?.map(({ size }) => size),
        sizes,
      );
      const levels = [halfOf(image, "float64", Number.NaN)];
      levels.push(halfOf(levels[0] as GeoTiffImage, "float64", Number.NaN));
      for (const [level, half] of levels.entries()) {
        const alone = path.join(path.dirname(file), `${level}.tif`);
        fs.writeFileSync(alone, await encodeGeoTiff(half, { nodata: Number.NaN }));
        const expected = (await gdal.info(alone)).bands.map(({ checksum }) => checksum);
        assert.deepEqual(
          bands.map(({ overviews }) => overviews?.[level]?.checksum),
          expected,
        );
      }
    });

    it("of a tile set, where it shows less than all pixels", async (t) => {
      const vrt = path.join(tempDir(t), "out.vrt");
      const data = Uint8Array.from({ length: 128 * 128 }, (_, i) => (i * 7919) % 251);
      const image = { data, width: 128, height: 128 };
      await writeTileSet(vrt, image, { tileSize: 64, blockSize: 32, overviews: "average" });
      const half = halfOf(image, "float64");
      for (const [at, value] of half.data.entries()) half.data[at] = Math.floor(Number(value) + 0.5);
      const small = { ...half, data: Uint8Array.from(half.data as Float64Array) };
      assert.deepEqual(await gdalValues(gdal, vrt, small, ["-outsize", "50%", "50%"]), bytesOf(small));
    });
  });

  describe(`${gdal.name} knows of a file`, { skip: gdal.skip }, () => {
    const write = async (
      t: Parameters<typeof tempDir>[0],
      dtype: DataType,
      options: GeoTiffOptions,
      bands = 1,
    ): Promise<GdalInfo> => {
      const file = path.join(tempDir(t), "image.tif");
      fs.writeFileSync(file, await encodeGeoTiff(randomImage(dtype, 40, 30, bands, 1), options));
      return gdal.info(file);
    };

    it("where north is up", async (t) => {
      const geoTransform = [500_000.5, 10, 0, 5_300_000, 0, -20] as const;
      const info = await write(t, "float32", { geoTransform, crs: 32633 });
      assert.deepEqual(info.geoTransform, geoTransform);
      assert.match(info.coordinateSystem?.wkt ?? "", /^PROJCRS\["WGS 84 \/ UTM zone 33N".*ID\["EPSG",32633\]\]$/s);
    });

    it("where it is turned, mirrored or upside down", async (t) => {
      for (const geoTransform of [
        [10, 0.8, 0.6, 20, 0.6, -0.8],
        [10, -1, 0, 20, 0, -1],
        [10, 1, 0, 20, 0, 1],
        [10, 0, 1, 20, 1, 0],
      ] as const) {
        assert.deepEqual((await write(t, "float32", { geoTransform, crs: 4326 })).geoTransform, geoTransform);
      }
    });

    it("that it is nowhere", async (t) => {
      const info = await write(t, "uint8", {});
      assert.equal(info.geoTransform, undefined);
      assert.equal(info.coordinateSystem?.wkt ?? "", "");
    });

    it("which value stands for no data", async (t) => {
      const nodataOf = async (dtype: DataType, nodata: bigint | number): Promise<unknown> =>
        (await write(t, dtype, { nodata })).bands[0]?.noDataValue;
      assert.equal(await nodataOf("float32", Number.NaN), "NaN");
      assert.equal(await nodataOf("float64", Number.NEGATIVE_INFINITY), "-Infinity");
      assert.equal(Math.fround((await nodataOf("float32", -3.4028234663852886e38)) as number), -3.4028234663852886e38);
      assert.equal(await nodataOf("int16", -32_768), -32_768);
      assert.equal(await nodataOf("uint8", 0), 0);
    });

    it("texts, colours, blocks and compression", async (t) => {
      const metadata = { title: 'A & "B" <c>\n\td', "<n>": "&amp;", place: "Zugspitze \u00fc \u{1f3d4}" };
      const info = await write(t, "uint8", { metadata, blockSize: 16, bigTiff: true }, 4);
      assert.deepEqual({ ...info.metadata[""], AREA_OR_POINT: undefined }, { ...metadata, AREA_OR_POINT: undefined });
      assert.deepEqual(
        info.bands.map(({ colorInterpretation }) => colorInterpretation),
        ["Red", "Green", "Blue", "Alpha"],
      );
      assert.deepEqual(info.bands[0]?.block, [16, 16]);
      assert.equal(info.metadata["IMAGE_STRUCTURE"]?.["COMPRESSION"], "DEFLATE");
    });
  });
}

it("gdal-bin knows that the value for no data has 64 bits", { skip: needsGdal }, async (t) => {
  const file = path.join(tempDir(t), "image.tif");
  fs.writeFileSync(file, await encodeGeoTiff(randomImage("int64", 4, 4, 1, 1), { nodata: -(2n ** 63n) + 1n }));
  const { stdout } = spawnSync("gdalinfo", [file], { encoding: "utf8" });
  assert.match(stdout, /NoData Value=-9223372036854775807\n/);
});

describe("overviews", { skip: needsGdal }, () => {
  const SIDE = 256;
  for (const dtype of DATA_TYPES.filter((one) => one !== "int8")) {
    for (const overviews of ["average", "nearest"] as const) {
      it(`of ${dtype}, ${overviews}, are those of gdaladdo`, async (t) => {
        const dir = tempDir(t);
        // Means are whole, also of three: GDAL 3.6 lets one that is rounded to "no data" be it. Some are exactly that.
        const data = new ARRAYS[dtype](SIDE * SIDE) as Float64Array | BigInt64Array;
        const isSigned = !dtype.startsWith("u");
        for (let i = 0; i < data.length; i++) {
          const value = i % 7 === 0 ? 9 : 12 * (((i * 7919) % 11) - (isSigned ? 5 : 0));
          data[i] = (typeof data[0] === "bigint" ? BigInt(value) : value) as never;
        }
        const image = { data, width: SIDE, height: SIDE };
        const options = { blockSize: 64, nodata: typeof data[0] === "bigint" ? undefined : 9 } as const;
        const [ours, theirs] = ["ours.tif", "theirs.tif"].map((name) => path.join(dir, name)) as [string, string];
        fs.writeFileSync(ours, await encodeGeoTiff(image, { ...options, overviews }));
        fs.writeFileSync(theirs, await encodeGeoTiff(image, options));
        execFileSync("gdaladdo", ["-q", "-r", overviews, theirs, "2", "4"]);
        const of = async (file: string): Promise<unknown> => (await native.info(file)).bands[0]?.overviews;
        const found = await of(ours);
        assert.equal((found as unknown[]).length, 2);
        assert.deepEqual(found, await of(theirs));
      });
    }
  }
});
