/** GeoTIFF files of others as tile sets: the same values in the same place, or a refusal before anything is written. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it, type TestContext } from "node:test";
import * as zlib from "node:zlib";
import { isHoldfastError } from "holdfast";
import { buildTileSet, openTileSet, type TileSetBuild } from "holdfast/tiles";
import { type DataType, encodeGeoTiff, type GeoTiffImage, type GeoTiffOptions } from "holdfast/tiles/geotiff";
import { Windows } from "../../dist/tiles/input/windows.js";
import { deep } from "../support/deep.ts";
import { gdalValues, native, needsGdal } from "../support/gdal.ts";
import { bytesOf, DATA_TYPES, predictorsOf, randomImage } from "../support/rasters.ts";
import { Seeded } from "../support/seeded.ts";
import { leftovers, names } from "../support/temp-dir.ts";
import { failsWith, generations, place, valuesOf } from "../support/tile-files.ts";

const tiny = { tileSize: 16, durability: "volatile", graceMs: 0 } as const;

/** A GeoTIFF in a directory of its own, and what is to come of it. */
function put(t: TestContext, bytes: Uint8Array, vrt?: string): { dir: string; vrt: string; tif: string } {
  const where = place(t, vrt);
  const tif = path.join(where.dir, "in.tif");
  fs.writeFileSync(tif, bytes);
  return { ...where, tif };
}

/** The same image as GDAL writes it with these options. */
function rewritten(tif: string, options: readonly string[], more: readonly string[] = []): void {
  const other = `${tif}.other.tif`;
  execFileSync("gdal_translate", ["-q", ...more, ...options.flatMap((one) => ["-co", one]), tif, other], { stdio: "pipe" });
  fs.rmSync(`${other}.aux.xml`, { force: true });
  fs.renameSync(other, tif);
}

describe("a tile set of a GeoTIFF", { concurrency: 2 }, () => {
  it("has its values, type, bands and place, in all types", async (t) => {
    for (const dtype of DATA_TYPES) {
      for (const [index, predictor] of predictorsOf(dtype).entries()) {
        if (!deep && predictor === "none" && !dtype.includes("int64")) continue;
        const image = randomImage(dtype, 70 + index, 45, 1 + index, index);
        const options: GeoTiffOptions = { predictor, blockSize: 32, crs: 3035, geoTransform: [4e6, 25, 0, 3e6, 0, -25] };
        const { vrt, tif } = put(t, await encodeGeoTiff(image, options));
        await buildTileSet(tif, vrt, { ...tiny, tileSize: 40, compression: "none" });
        const set = await openTileSet(vrt);
        const { width, height, bands, epsg, geoTransform } = set;
        await set.close();
        assert.deepEqual({ width, height, bands }, { width: 70 + index, height: 45, bands: 1 + index });
        assert.deepEqual([set.dtype, epsg, geoTransform], [dtype, 3035, [4e6, 25, 0, 3e6, 0, -25]]);
        assert.deepEqual(await valuesOf(vrt), bytesOf(image), `${dtype} ${predictor}`);
      }
    }
  });

  it("is what GDAL reads of both, in all forms", { skip: needsGdal }, async (t) => {
    const nan = randomImage("float32", 70, 33, 1, 1);
    (nan.data as Float32Array).fill(Number.NaN, 100, 400);
    const forms: [name: string, image: GeoTiffImage, options: GeoTiffOptions][] = [
      ["float.vrt", nan, { nodata: Number.NaN, crs: 31467, geoTransform: [3.5e6, 2, 0, 5e6, 0, -2] }],
      ["turned.vrt", randomImage("float64", 20, 20, 1, 6), { crs: 4326, geoTransform: [10, 0.8, 0.6, 20, 0.6, -0.8] }],
      ["int16.vrt", randomImage("int16", 50, 40, 1, 2), { nodata: -32_768, compression: "none" }],
      ["red & <green> 'blue' \u00fc \u{1f3d4}.vrt", randomImage("uint8", 40, 40, 3, 3), { metadata: { a: '1 < 2 & "x"' } }],
      ["row.vrt", randomImage("uint32", 50, 1, 2, 4), {}],
      ["column.vrt", randomImage("int64", 1, 50, 1, 5), { nodata: 2n ** 62n + 1n }],
    ];
    for (const [name, image, options] of forms) {
      const { vrt, tif } = put(t, await encodeGeoTiff(image, options), name);
      const { notKept } = await buildTileSet(tif, vrt, tiny);
      assert.deepEqual(notKept, []);
      assert.deepEqual(await gdalValues(native, vrt, image), bytesOf(image), name);
      await expectSameFacts(tif, vrt, name);
    }
  });

  const compressions = ["NONE", "LZW", "DEFLATE", "PACKBITS", "ZSTD"];
  const blocks = ["TILED=YES BLOCKXSIZE=16 BLOCKYSIZE=32", "TILED=NO BLOCKYSIZE=7", "TILED=NO BLOCKYSIZE=41"];
  const forms = compressions.flatMap((compression, at) =>
    blocks.flatMap((block, b) =>
      ["PIXEL", "BAND"].flatMap((interleave, i) =>
        ["LITTLE", "BIG"].map((order, o) => {
          const predictor = at % 2 === 1 && compression !== "PACKBITS" ? ` PREDICTOR=${1 + ((b + i) % 2)}` : "";
          const big = (b + o) % 2 === 0 ? "YES" : "NO";
          return {
            index: at + b + i + o,
            text: `COMPRESS=${compression} ${block} INTERLEAVE=${interleave} ENDIANNESS=${order} BIGTIFF=${big}${predictor}`,
          };
        }),
      ),
    ),
  );
  it("of all forms that GDAL writes", { skip: needsGdal }, async (t) => {
    const types: DataType[] = ["uint8", "float32", "int16", "uint64", "float64"];
    for (const [at, { index, text }] of forms.entries()) {
      if (!deep && at % 4 !== 0) continue;
      const image = randomImage(types[index % types.length] ?? "uint8", 61, 41, 3, at);
      const { vrt, tif } = put(t, await encodeGeoTiff(image));
      rewritten(tif, text.split(" "));
      if (text.includes("ZSTD") && !("zstdDecompress" in zlib)) {
        await assert.rejects(buildTileSet(tif, vrt), failsWith("UNSUPPORTED"));
        continue;
      }
      await buildTileSet(tif, vrt, { ...tiny, tileSize: 20, compression: "none" });
      assert.deepEqual(await valuesOf(vrt), bytesOf(image), text);
    }
  });

  it("of so many blocks that the list of them is not in the head of the file", { skip: needsGdal }, async (t) => {
    const image = randomImage("uint16", 400, 400, 1, 1);
    const { vrt, tif } = put(t, await encodeGeoTiff(image));
    rewritten(tif, ["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "ENDIANNESS=BIG", "COMPRESS=LZW"]);
    await buildTileSet(tif, vrt, { ...tiny, tileSize: 200 });
    assert.deepEqual(await valuesOf(vrt), bytesOf(image));
  });

  it("of blocks that are not in the file has no data there, NaN too, as GDAL has it", { skip: needsGdal }, async (t) => {
    for (const nodata of [Number.NaN, 7, undefined]) {
      const image: GeoTiffImage = { data: new Float32Array(64 * 64).fill(nodata ?? 0), width: 64, height: 64 };
      (image.data as Float32Array).fill(1, 0, 64 * 20);
      const { vrt, tif } = put(t, await encodeGeoTiff(image, { nodata }));
      rewritten(tif, ["SPARSE_OK=TRUE", "TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"]);
      assert.ok(fs.statSync(tif).size < 64 * 64 * 4, "is sparse");
      await buildTileSet(tif, vrt, tiny);
      assert.deepEqual(await valuesOf(vrt), bytesOf(image));
    }
  });

  it("is where GDAL says that the input is: of points, turned, without a place", { skip: needsGdal }, async (t) => {
    const image = randomImage("uint8", 20, 20, 1, 1);
    const placed: GeoTiffOptions = { crs: 32633, geoTransform: [5e5, 10, 0, 5.3e6, 0, -10] };
    const all: [options: GeoTiffOptions, gdal: string[]][] = [
      [placed, ["-mo", "AREA_OR_POINT=Point"]],
      [{ crs: 4326, geoTransform: [10, 0.8, 0.6, 20, 0.6, -0.8] }, ["-mo", "AREA_OR_POINT=Point"]],
      [{ ...placed, geoTransform: [5e5, 10, 0, 5.3e6, 0, 10] }, []],
      [{}, []],
    ];
    for (const [options, more] of all) {
      const { vrt, tif } = put(t, await encodeGeoTiff(image, options));
      rewritten(tif, [], more);
      const { notKept } = await buildTileSet(tif, vrt, tiny);
      assert.deepEqual(notKept, []);
      await expectSameFacts(tif, vrt, JSON.stringify([options, more]));
    }
  });

  it("reads each block once, whatever its form, when its windows come row by row", async () => {
    const shape = { width: 1000, height: 70, bands: 2, dtype: "uint8", isLittleEndian: true, predictor: "none" } as const;
    for (const [blockWidth, blockHeight, blockBands] of [
      [1000, 3, 2],
      [1000, 70, 1],
      [48, 48, 2],
      [16, 16, 1],
    ] as const) {
      const [across, down] = [Math.ceil(1000 / blockWidth), Math.ceil(70 / blockHeight)];
      const count = (across * down * 2) / blockBands;
      const layout = {
        ...{ ...shape, blockWidth, blockHeight, blockBands, across, down, compression: 1 },
        offsets: Array.from({ length: count }, (_, i) => i * 1e6),
        byteCounts: new Array<number>(count).fill(1),
      };
      const reads = new Map<number, number>();
      const bytes = async (offset: number, length: number): Promise<Uint8Array> => {
        reads.set(offset, (reads.get(offset) ?? 0) + 1);
        for (let turn = 0; turn < (offset / 1e6) % 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        return new Uint8Array(length);
      };
      const windows = new Windows(layout, { bytes, expectUnchanged: async () => {} } as never, 0);
      const waiting = (function* () {
        for (let y = 0; y < 70; y += 32)
          for (let x = 0; x < 1000; x += 32) yield { x, y, width: Math.min(32, 1000 - x), height: Math.min(32, 70 - y) };
      })();
      const worker = async (): Promise<void> => {
        for (const window of waiting) await windows.read(window);
      };
      await Promise.all([worker(), worker(), worker()]);
      assert.deepEqual(
        [...reads.values()].filter((times) => times !== 1),
        [],
      );
      assert.equal(reads.size, count);
    }
  });

  it("RAS-20: goes on where a failed write has ended, only if the input is the same", async (t) => {
    const image = randomImage("int16", 64, 64, 1, 1);
    const { vrt, tif } = put(t, await encodeGeoTiff(image));
    const build = (abortAt = 0): Promise<TileSetBuild> => {
      const abort = new AbortController();
      const onProgress = ({ tilesDone }: { tilesDone: number }): void => void (tilesDone === abortAt && abort.abort());
      return buildTileSet(tif, vrt, { ...tiny, resume: true, signal: abort.signal, onProgress });
    };
    await assert.rejects(build(5), failsWith("ABORTED"));
    const { resumedCount } = await build();
    assert.ok(resumedCount >= 5, `${resumedCount}`);
    assert.deepEqual(await valuesOf(vrt), bytesOf(image));
    await assert.rejects(build(5), failsWith("ABORTED"));
    const other = randomImage("int16", 64, 64, 1, 2);
    fs.writeFileSync(`${tif}.new`, await encodeGeoTiff(other));
    fs.renameSync(`${tif}.new`, tif);
    assert.equal((await build()).resumedCount, 0);
    assert.deepEqual(await valuesOf(vrt), bytesOf(other));
  });
});

describe("what a tile set can't have", () => {
  it("is named: colours, overviews, masks, metadata of bands, other tags, files beside it", { skip: needsGdal }, async (t) => {
    const image = randomImage("uint8", 40, 40, 1, 1);
    const vrtOf = (band: string): string =>
      `<VRTDataset rasterXSize="40" rasterYSize="40"><VRTRasterBand dataType="Byte" band="1">${band}
        <SimpleSource><SourceFilename relativeToVRT="1">plain.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`;
    const { dir, vrt, tif } = put(t, await encodeGeoTiff(image));
    fs.copyFileSync(tif, path.join(dir, "plain.tif"));
    const cases: [says: RegExp, make: () => void][] = [
      [
        /^its colour table$/,
        () => wrap("<ColorInterp>Palette</ColorInterp><ColorTable><Entry c1='1' c2='2' c3='3' c4='255'/></ColorTable>"),
      ],
      [/^the scale of its bands$/, () => wrap("<Scale>2</Scale><Offset>1</Offset>")],
      [/^the description of its bands$/, () => wrap("<Description>snow</Description>")],
      [/^its metadata of domain OTHER$/, () => fs.writeFileSync(tif, withDomain(fs.readFileSync(tif), "OTHER"))],
      [/^its overviews$/, () => void execFileSync("gdaladdo", ["-q", tif, "2"])],
      [
        /^its no-data value -99, which uint8 does not have$/,
        () => fs.writeFileSync(tif, withTag(fs.readFileSync(tif), 42113, text("-99"))),
      ],
      [/^what is in in\.tif\.aux\.xml$/, () => fs.writeFileSync(`${tif}.aux.xml`, "<PAMDataset/>")],
      [/^what is in in\.tfw$/, () => fs.writeFileSync(path.join(dir, "in.tfw"), "1\n0\n0\n-1\n0\n0\n")],
      [/^that its bands are gray, 0 is white \(tiles say: gray\)$/, () => rewritten(tif, ["PHOTOMETRIC=MINISWHITE"])],
    ];
    const wrap = (band: string): void => {
      fs.writeFileSync(path.join(dir, "wrap.vrt"), vrtOf(band));
      execFileSync("gdal_translate", ["-q", path.join(dir, "wrap.vrt"), tif], { stdio: "pipe" });
      fs.rmSync(`${tif}.aux.xml`, { force: true });
    };
    for (const [says, make] of cases) {
      fs.rmSync(`${tif}.aux.xml`, { force: true });
      fs.writeFileSync(tif, await encodeGeoTiff(image, { metadata: { [SIXTEEN]: "1" }, nodata: 123 }));
      make();
      const { notKept } = await buildTileSet(tif, vrt, tiny);
      assert.ok(
        notKept.some((what) => says.test(what)),
        `${says}: ${notKept}`,
      );
      assert.deepEqual(await valuesOf(vrt), bytesOf(image));
    }
  });

  it("is refused where it is the place, unless that is given", { skip: needsGdal }, async (t) => {
    const image = randomImage("uint8", 40, 40, 1, 1);
    const { dir, vrt, tif } = put(t, await encodeGeoTiff(image));
    const before = names(dir);
    rewritten(tif, [], ["-a_srs", "+proj=laea +lat_0=12 +lon_0=34", "-a_ullr", "0", "40", "40", "0"]);
    const noCode = failsWith("UNSUPPORTED", ({ message, outcome }) => {
      assert.match(message, /has no EPSG code, .*option crs/);
      assert.equal(outcome, "unchanged");
    });
    await assert.rejects(buildTileSet(tif, vrt, tiny), noCode);
    assert.deepEqual(names(dir), before);
    await buildTileSet(tif, vrt, { ...tiny, crs: 3035 });
    assert.equal((await native.info(vrt)).geoTransform?.[3], 40);
    rewritten(tif, [], ["-a_srs", "EPSG:4326", ..."-gcp 0 0 1 1 -gcp 40 0 2 1 -gcp 0 40 1 2".split(" ")]);
    await assert.rejects(
      buildTileSet(tif, vrt, tiny),
      failsWith("UNSUPPORTED", ({ message }) => assert.match(message, /3 ground control points/)),
    );
  });
});

describe("an input that can't be read", () => {
  it("is refused before anything is written", async (t) => {
    const good = await encodeGeoTiff(randomImage("int16", 64, 64, 1, 1), { blockSize: 16, compression: "none" });
    const { dir, vrt, tif } = put(t, good);
    const before = names(dir);
    const cases: [name: string, bytes: Uint8Array, code: "SOURCE_FAILED" | "UNSUPPORTED", says: RegExp][] = [
      ["no TIFF", Buffer.from("GIF89a and so on"), "UNSUPPORTED", /is not a TIFF/],
      ["empty", Buffer.alloc(0), "UNSUPPORTED", /is not a TIFF/],
      ["a header alone", good.subarray(0, 8), "SOURCE_FAILED", /damaged/],
      ["half of the tags", good.subarray(0, 100), "SOURCE_FAILED", /damaged/],
      ["its last byte cut off", good.subarray(0, -1), "SOURCE_FAILED", /block 15 ends at byte \d+, and the file has \d+/],
      ["no width", withTag(good, 256, 0), "SOURCE_FAILED", /it has 0 x 64 pixels/],
      ["too many pixels", withTag(good, 257, 1e9), "SOURCE_FAILED", /it has 16 blocks, and needs/],
      ["JPEG", withTag(good, 259, 7), "UNSUPPORTED", /compression JPEG is not read: gdal_translate -co COMPRESS=DEFLATE/],
      ["12 bits", withTag(good, 258, 12), "UNSUPPORTED", /values of 12 bits/],
      ["complex", withTag(good, 339, 5), "UNSUPPORTED", /16 bits \(complex\)/],
      ["YCbCr", withTag(good, 262, 6), "UNSUPPORTED", /YCbCr/],
    ];
    for (const [name, bytes, code, says] of cases) {
      fs.writeFileSync(tif, bytes);
      const refused = failsWith(code, ({ message, outcome, path: at }) => {
        assert.match(message, says, name);
        assert.deepEqual([outcome, at], ["unchanged", tif]);
      });
      await assert.rejects(buildTileSet(tif, vrt, tiny), refused);
      assert.deepEqual(names(dir), before, name);
    }
    await assert.rejects(buildTileSet(path.join(dir, "none.tif"), vrt), failsWith("NOT_FOUND"));
    await assert.rejects(buildTileSet(dir, vrt), failsWith("NOT_A_FILE"));
    fs.writeFileSync(tif, good);
    for (const wrong of [
      { tileSize: 0 },
      { resume: "x" },
      { memoryBudgetBytes: 3000 },
      { other: 1 },
      { crs: 5 },
      { nodata: 1.5 },
    ])
      await assert.rejects(
        buildTileSet(tif, vrt, wrong as never),
        (error) => error instanceof RangeError || error instanceof TypeError,
      );
    await assert.rejects(buildTileSet(tif, `${vrt}.tif`), RangeError);
    assert.deepEqual(names(dir), before);
  });

  it("is one with any bytes changed: a tile set, or an error that says so, and nothing else", async (t) => {
    const image = randomImage("int16", 48, 40, 1, 1);
    const options: GeoTiffOptions = { crs: 32633, geoTransform: [5e5, 10, 0, 5.3e6, 0, -10], nodata: 7, metadata: { a: "b" } };
    const { dir, vrt, tif } = put(t, await encodeGeoTiff(image, { ...options, blockSize: 16 }));
    const inputs = [fs.readFileSync(tif)];
    if (needsGdal === false) {
      for (const form of ["COMPRESS=LZW BIGTIFF=YES", "COMPRESS=PACKBITS ENDIANNESS=BIG", "COMPRESS=LZW PREDICTOR=2"]) {
        rewritten(tif, form.split(" "));
        inputs.push(fs.readFileSync(tif));
      }
    }
    const seed = 20_261;
    const choices = new Seeded(seed);
    const refused: string[] = [];
    for (let round = 0; round < (deep ? 2000 : 60); round++) {
      const bytes = Buffer.from(inputs[round % inputs.length] ?? []);
      for (let change = choices.int(3); change >= 0; change--)
        bytes[choices.int(choices.int(2) === 0 ? 400 : bytes.length)] = [0, 255, 1, choices.int(256)][choices.int(4)] ?? 0;
      fs.writeFileSync(tif, bytes);
      await buildTileSet(tif, vrt, { ...tiny, compression: "none" }).catch((error: unknown) => {
        const isKnown = isHoldfastError(error, "SOURCE_FAILED", "UNSUPPORTED") && error.outcome === "unchanged";
        assert.ok(isKnown || /memoryBudgetBytes/.test(String(error)), `seed ${seed}, round ${round}: ${error}`);
        refused.push(String(error));
      });
    }
    assert.ok(refused.length > 10 && refused.length < (deep ? 2000 : 60), `${refused.length} refused`);
    assert.ok(generations(dir).length <= 2);
  });

  it("is one with a block that is no good: the old version stays, and nothing is left", async (t) => {
    const image = randomImage("int16", 64, 64, 1, 1);
    const { dir, vrt, tif } = put(t, await encodeGeoTiff(image, { blockSize: 16 }));
    await buildTileSet(tif, vrt, tiny);
    const before = names(dir);
    const bytes = fs.readFileSync(tif);
    bytes.fill(0x55, bytes.length - 300);
    fs.writeFileSync(tif, bytes);
    await assert.rejects(
      buildTileSet(tif, vrt, tiny),
      failsWith("SOURCE_FAILED", ({ message, details }) => {
        assert.match(message, /the input is damaged: block \d+ can't be decompressed/);
        assert.match(String(details["tile"]), /^tile_\d+_\d+\.tif$/);
      }),
    );
    assert.deepEqual(names(dir), before);
    assert.deepEqual(leftovers(dir), []);
    assert.deepEqual(await valuesOf(vrt), bytesOf(image));
  });

  it("is one that changes meanwhile", async (t) => {
    const { dir, vrt, tif } = put(t, await encodeGeoTiff(randomImage("int16", 64, 64, 1, 1)));
    const before = names(dir);
    const touch = (): void => fs.utimesSync(tif, 1, 1);
    await assert.rejects(
      buildTileSet(tif, vrt, { ...tiny, concurrency: 1, onProgress: touch }),
      failsWith("SOURCE_FAILED", ({ message }) => assert.match(message, /changed while it was read/)),
    );
    assert.deepEqual(names(dir), [...before, "out.vrt.lock"].sort());
  });
});

/** With another value in a tag of one number; ours are little-endian. */
function withTag(bytes: Uint8Array, id: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let entry = 10; entry < 10 + 12 * copy.readUInt16LE(8); entry += 12) {
    if (copy.readUInt16LE(entry) !== id) continue;
    if (copy.readUInt16LE(entry + 2) === 3) copy.writeUInt16LE(value, entry + 8);
    else copy.writeUInt32LE(value, entry + 8);
    return copy;
  }
  throw new Error(`no tag ${id}`);
}

/** Three letters as the value of a tag. */
const text = (letters: string): number => Buffer.from(`${letters}\0`, "latin1").readUInt32LE();

/** As long as `a" domain="OTHER`. */
const SIXTEEN = "0123456789abcdef";

/** With its item of metadata in a domain. */
function withDomain(bytes: Buffer, domain: string): Buffer {
  const copy = Buffer.from(bytes);
  copy.write(`a" domain="${domain}`, copy.indexOf(SIXTEEN), "latin1");
  return copy;
}

/** GDAL says the same of both. */
async function expectSameFacts(tif: string, vrt: string, name: string): Promise<void> {
  const [expected, found] = [await native.info(tif), await native.info(vrt)];
  assert.deepEqual(found.geoTransform, expected.geoTransform, name);
  const codeOf = ({ coordinateSystem }: typeof found): string | undefined =>
    /ID\["EPSG",(\d+)\]\]$/.exec(coordinateSystem?.wkt ?? "")?.[1];
  assert.equal(codeOf(found), codeOf(expected), name);
  const facts = ({ bands }: typeof found): unknown =>
    bands.map(({ type, checksum, noDataValue, colorInterpretation }) => ({ type, checksum, noDataValue, colorInterpretation }));
  assert.deepEqual(facts(found), facts(expected), name);
  const texts = ({ metadata }: typeof found): unknown => ({
    ...metadata[""],
    AREA_OR_POINT: metadata[""]?.["AREA_OR_POINT"] ?? "Area",
  });
  assert.deepEqual(texts(found), texts(expected), name);
}
