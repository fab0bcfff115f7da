/** GeoTIFF files as GDAL reads them: the same values, and all that was said about them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { type DataType, encodeGeoTiff, type GeoTiffOptions } from "holdfast/tiles/geotiff";
import { deep } from "../support/deep.ts";
import { GDALS, type GdalInfo, gdalValues, needsGdal } from "../support/gdal.ts";
import { bytesOf, DATA_TYPES, predictorsOf, randomImage } from "../support/rasters.ts";
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
