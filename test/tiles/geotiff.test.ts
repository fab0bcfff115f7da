/** GeoTIFF files, read back by a library of others (geotiff.js): value by value what was given. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { fromArrayBuffer, type GeoTIFFImage } from "geotiff";
import { isHoldfastError } from "holdfast";
import { type Compression, type DataType, encodeGeoTiff, type GeoTiffOptions, streamGeoTiff } from "holdfast/tiles/geotiff";
import { decodeGeoTiff } from "../../dist/tiles/geotiff/decode.js";
import { deep } from "../support/deep.ts";
import { ARRAYS, bytesOf, DATA_TYPES, predictorsOf, randomImage } from "../support/rasters.ts";

const needsZstd = "zstdCompress" in zlib ? false : "needs a Node with zstd (22.15)";

async function open(bytes: Uint8Array): Promise<GeoTIFFImage> {
  const tiff = await fromArrayBuffer(new Uint8Array(bytes).buffer);
  return await tiff.getImage();
}

/** What geotiff.js can't read is read by our own decoder here, and by GDAL in geotiff-gdal.test.ts. */
const isReadByOthers = (dtype: DataType): boolean => !dtype.endsWith("64") || dtype === "float64";

async function expectSame(dtype: DataType, options: GeoTiffOptions, size: Size): Promise<void> {
  const image = randomImage(dtype, size.width, size.height, size.bands, size.seed);
  const bytes = await encodeGeoTiff(image, { ...options, blockSize: size.blockSize, bigTiff: size.bigTiff });
  const ours = await decodeGeoTiff(bytes, "image.tif");
  assert.deepEqual(
    { ...ours, data: bytesOf(ours) },
    { data: bytesOf(image), width: size.width, height: size.height, bands: size.bands, dtype },
  );
  const isHorizontal64 = options.predictor === "horizontal" && dtype === "float64";
  if (!isReadByOthers(dtype) || isHorizontal64) return;
  const found = await open(bytes);
  assert.deepEqual([found.getWidth(), found.getHeight(), found.getSamplesPerPixel()], [size.width, size.height, size.bands]);
  const values = await found.readRasters({ interleave: true });
  // Without the width and height that geotiff.js adds to the array
  assert.deepEqual(new ARRAYS[dtype](values as never), image.data);
}

interface Size {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly blockSize: number;
  readonly bigTiff: boolean;
  readonly seed: number;
}
const sizes = fc.record<Size>({
  width: fc.integer({ min: 1, max: 50 }),
  height: fc.integer({ min: 1, max: 50 }),
  bands: fc.integer({ min: 1, max: 5 }),
  blockSize: fc.constantFrom(16, 32, 48, 256),
  bigTiff: fc.boolean(),
  seed: fc.nat(),
});

describe("what is encoded reads back", () => {
  const waysOf = (dtype: DataType): GeoTiffOptions[] => [
    { compression: "none" },
    ...(["deflate", "zstd"] satisfies Compression[]).flatMap((compression) =>
      predictorsOf(dtype).map((predictor) => ({ compression, predictor })),
    ),
  ];
  for (const dtype of DATA_TYPES) {
    for (const options of waysOf(dtype)) {
      const { compression, predictor = "none" } = options;
      const skip = compression === "zstd" ? needsZstd : false;
      it(`${dtype}, ${compression}, predictor ${predictor}`, { skip }, async () => {
        await fc.assert(
          fc.asyncProperty(sizes, (size) => expectSame(dtype, options, size)),
          { numRuns: deep ? 100 : 4 },
        );
      });
    }
  }
});

const one = { data: Float32Array.of(1.5), width: 1, height: 1 };

describe("a GeoTIFF", () => {
  it("has its place, reference system, nodata and metadata", async () => {
    const geoTransform = [500_000, 10, 0, 5_300_000, 0, -20] as const;
    const metadata = { AREA: "A & B <c>", name: "Zugspitze \u00fc" };
    const found = await open(await encodeGeoTiff(one, { crs: 32633, geoTransform, nodata: -9999, metadata }));
    assert.deepEqual(found.getOrigin(), [500_000, 5_300_000, 0]);
    assert.deepEqual(found.getResolution(), [10, -20, 0]);
    assert.deepEqual(found.getGeoKeys(), { GTModelTypeGeoKey: 1, GTRasterTypeGeoKey: 1, ProjectedCSTypeGeoKey: 32633 });
    assert.equal(found.getGDALNoData(), -9999);
  });

  it("tells degrees from lengths by the code", async () => {
    const keysOf = async (crs: GeoTiffOptions["crs"]) => (await open(await encodeGeoTiff(one, { crs }))).getGeoKeys();
    assert.deepEqual(await keysOf(4326), { GTModelTypeGeoKey: 2, GTRasterTypeGeoKey: 1, GeographicTypeGeoKey: 4326 });
    assert.equal((await keysOf(3857))?.ProjectedCSTypeGeoKey, 3857);
    // among geographic codes, and projected itself
    assert.equal((await keysOf(4087))?.ProjectedCSTypeGeoKey, 4087);
    const unknown = { epsg: 30_999, kind: "geographic" } as const;
    assert.equal((await keysOf(unknown))?.GeographicTypeGeoKey, 30_999);
  });

  it("is BigTIFF where it would have more than 4 GiB, and only there", async () => {
    const headOf = async (width: number): Promise<number> => {
      const stream = streamGeoTiff(
        { width, height: 65_536, dtype: "uint8" },
        ({ width: w, height: h }) => new Uint8Array(w * h),
        {
          compression: "none",
          blockSize: 4096,
        },
      );
      const { value } = await stream.next();
      await stream.return();
      return Buffer.from(value as Uint8Array).readUInt16LE(2);
    };
    assert.equal(await headOf(61_440), 42);
    assert.equal(await headOf(65_536), 43);
  });

  it("is the same from a stream, which asks for each block once and not far ahead", async () => {
    const image = randomImage("int16", 100, 70, 2, 1);
    for (const compression of ["none", "deflate"] as const) {
      const asked: string[] = [];
      let pieces = 0;
      const stream = streamGeoTiff(
        { width: 100, height: 70, bands: 2, dtype: "int16" },
        async ({ x, y, width, height }) => {
          asked.push(`${x},${y}`);
          if (compression === "none") assert.ok(asked.length <= pieces + 5, `${asked.length} were asked for after ${pieces}`);
          const rows = Array.from({ length: height }, (_, row) => {
            const start = ((y + row) * 100 + x) * 2;
            return [...(image.data as Int16Array).subarray(start, start + width * 2)];
          });
          return Int16Array.from(rows.flat());
        },
        { compression, blockSize: 16 },
      );
      const all: Uint8Array[] = [];
      for await (const piece of stream) {
        pieces++;
        all.push(piece);
      }
      const whole = await encodeGeoTiff(image, { compression, blockSize: 16 });
      assert.deepEqual(Buffer.concat(all), Buffer.from(whole));
      assert.equal(asked.length, 35);
      assert.equal(new Set(asked).size, 35);
    }
  });

  it("fails with the first error of its source, when nothing of it is under way any more", async () => {
    let underWay = 0;
    const failure = new TypeError("the sensor is off");
    const stream = streamGeoTiff(
      { width: 64, height: 16, dtype: "uint8" },
      async ({ x }) => {
        underWay++;
        for (let turn = 0; turn < x; turn++) await new Promise((resolve) => setImmediate(resolve));
        underWay--;
        if (x === 16) throw failure;
        return new Uint8Array(256);
      },
      { blockSize: 16 },
    );
    await assert.rejects(async () => {
      for await (const _ of stream);
    }, failure);
    assert.equal(underWay, 0);
  });
});

describe("what no GeoTIFF can have is refused at once", () => {
  const image = { data: new Int16Array(6), width: 3, height: 2 };
  const WRONG: Readonly<Record<string, GeoTiffOptions>> = {
    "block size 0": { blockSize: 0 },
    "block size 100": { blockSize: 100 },
    "unknown compression": { compression: "lzw" as never },
    "level 0": { level: 0 },
    "level 10": { level: 10 },
    "a level of nothing": { compression: "none", level: 1 },
    "a predictor of nothing": { compression: "none", predictor: "horizontal" },
    "predictor float of integers": { predictor: "float" },
    "a transform of five": { geoTransform: [0, 1, 0, 0, 0] as never },
    "a transform that is no number": { geoTransform: [0, 1, 0, 0, 0, Number.NaN] },
    "a transform to a line": { geoTransform: [0, 1, 2, 0, 1, 2] },
    "nodata beyond the type": { nodata: 40_000 },
    "nodata between integers": { nodata: 1.5 },
    "nodata NaN of integers": { nodata: Number.NaN },
    "a code that is none": { crs: 102_100 },
    "a code of heights": { crs: 5773 },
    "metadata with a control character": { metadata: { a: "\u0001" } },
  };
  for (const [name, options] of Object.entries(WRONG)) {
    it(name, async () => {
      await assert.rejects(encodeGeoTiff(image, options), RangeError);
      assert.throws(() => streamGeoTiff({ ...image, dtype: "int16" }, () => image.data, options), RangeError);
    });
  }

  it("an unknown option", () => assert.rejects(encodeGeoTiff(image, { tileSize: 1 } as never), TypeError));
  it("another count of values", () => assert.rejects(encodeGeoTiff({ ...image, height: 3 }), /must have 9 values.*has 6/));
  it("another type of values", () => assert.rejects(encodeGeoTiff({ ...image, data: [1] as never }), TypeError));
  it("overviews of a stream", () =>
    assert.throws(
      () =>
        streamGeoTiff({ width: 16, height: 16, dtype: "uint8" }, () => new Uint8Array(256), { overviews: "nearest" } as object),
      /use encodeGeoTiff/,
    ));

  it("no pixels", () => assert.rejects(encodeGeoTiff({ ...image, width: 0 }), RangeError));
  it("zstd, where Node has none", { skip: needsZstd === false ? "this Node has zstd" : false }, async () => {
    const encoded = encodeGeoTiff(image, { compression: "zstd" });
    await assert.rejects(encoded, (error) => isHoldfastError(error, "UNSUPPORTED") && /22\.15/.test(error.message));
  });
});

it("what is no file of ours is not decoded", async () => {
  const bytes = await encodeGeoTiff(randomImage("uint8", 20, 20, 1, 1));
  for (const damaged of [new Uint8Array(0), new Uint8Array(bytes.length), bytes.subarray(0, bytes.length - 20)]) {
    await assert.rejects(decodeGeoTiff(damaged, "image.tif"), (error) => isHoldfastError(error, "UNSUPPORTED"));
  }
});
