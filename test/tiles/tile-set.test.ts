/** Tile sets on a real disk: what is promised of a write, a replacement, a reader and a repair. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { openTileSet, type SourceTile, type TileSource, writeTileSet } from "holdfast/tiles";
import { encodeGeoTiff, type GeoTiffImage, type PixelWindow } from "holdfast/tiles/geotiff";
import { bytesOf, randomImage } from "../support/rasters.ts";
import { leftovers, names, tempDir } from "../support/temp-dir.ts";
import { failsWith, generations, place, small, tiny, valuesOf } from "../support/tile-files.ts";

/** A row of an image whose tiles, 16 wide, have the values 1, 2, 3 ... */
const rowOf = (tileCount: number): Int16Array => Int16Array.from({ length: tileCount * 16 }, (_, x) => Math.floor(x / 16) + 1);

describe("a tile set", () => {
  it("RAS-01: has an index and all its tiles, with the modes that umask gives, and nothing else is left", async (t) => {
    const { dir, vrt } = place(t);
    const image = small();
    const result = await writeTileSet(vrt, image, { tileSize: 16, crs: 32633, geoTransform: [0, 10, 0, 0, 0, -10] });
    assert.equal(result.tileCount, 12);
    assert.equal(result.durability, "durable");
    assert.deepEqual(names(dir), ["out.vrt", "out.vrt.lock", path.basename(result.directory)].sort());
    assert.equal(fs.readdirSync(result.directory).length, 12 + 2);
    assert.deepEqual(leftovers(dir), []);
    const umask = process.umask();
    for (const file of [vrt, path.join(result.directory, "tile_00_00.tif")])
      assert.equal(fs.statSync(file).mode & 0o777, process.platform === "win32" ? 0o666 : 0o666 & ~umask);
    assert.deepEqual(await valuesOf(vrt), bytesOf(image));
  });

  it("RAS-19: can be moved together with its tiles", async (t) => {
    const { dir, vrt } = place(t);
    await writeTileSet(vrt, small(), tiny);
    const other = path.join(tempDir(t), "moved");
    fs.renameSync(dir, other);
    fs.mkdirSync(dir);
    assert.deepEqual(await valuesOf(path.join(other, "out.vrt")), bytesOf(small()));
  });

  it("comes from an image, from windows, from tiles in any order and from encoded ones, with the same values", async (t) => {
    const image = small();
    const { width, height } = image;
    const shape = { width, height, dtype: "int16" } as const;
    const at = ({ x, y, width: w, height: h }: PixelWindow): Int16Array =>
      Int16Array.from(
        { length: w * h },
        (_, i) => (image.data as Int16Array)[(y + Math.floor(i / w)) * width + x + (i % w)] as number,
      );
    const tiles: SourceTile[] = [];
    for (let row = 2; row >= 0; row--)
      for (let col = 0; col < 4; col++) {
        const window = {
          x: col * 16,
          y: row * 16,
          width: Math.min(16, width - col * 16),
          height: Math.min(16, height - row * 16),
        };
        const data = at(window);
        tiles.push((row + col) % 2 ? { row, col, data } : { row, col, encoded: await encodeGeoTiff({ ...window, data }) });
      }
    const sources: TileSource[] = [
      image,
      { ...shape, read: at },
      { ...shape, read: async (window) => at(window) },
      { ...shape, tiles },
      {
        ...shape,
        tiles: (async function* () {
          yield* tiles;
        })(),
      },
    ];
    for (const source of sources) {
      const { vrt } = place(t);
      const progress: number[] = [];
      await writeTileSet(vrt, source, { ...tiny, onProgress: ({ tilesDone }) => progress.push(tilesDone) });
      assert.deepEqual(await valuesOf(vrt), bytesOf(image));
      assert.deepEqual(
        progress,
        Array.from({ length: 12 }, (_, i) => i + 1),
      );
    }
  });

  it("may come as tiles that are all in the same memory, one after the other", async (t) => {
    const data = new Int16Array(16 * 16);
    const memory = Buffer.alloc(10_000);
    const shape = { width: 24 * 16, height: 16, dtype: "int16" } as const;
    const expected = Buffer.concat(Array.from({ length: 16 }, () => bytesOf({ data: rowOf(24) })));
    const files = await Promise.all(
      Array.from({ length: 24 }, (_, col) =>
        encodeGeoTiff({ data: new Int16Array(16 * 16).fill(col + 1), width: 16, height: 16 }, { compression: "none" }),
      ),
    );
    function* tiles(isEncoded: boolean): Generator<SourceTile> {
      for (const [col, file] of files.entries()) {
        data.fill(col + 1);
        memory.set(file);
        yield { row: 0, col, ...(isEncoded ? { encoded: memory.subarray(0, file.length) } : { data }) };
      }
    }
    for (const isEncoded of [false, true]) {
      const { vrt } = place(t);
      await writeTileSet(vrt, { ...shape, tiles: tiles(isEncoded) }, { tileSize: 16, durability: "volatile" });
      assert.deepEqual(await valuesOf(vrt), expected);
    }
  });

  it("has in each tile what encodeGeoTiff makes of it, whatever was in the same memory before", async (t) => {
    for (const options of [
      { compression: "none" },
      { compression: "deflate" },
      { overviews: "nearest", blockSize: 16 },
    ] as const) {
      const { vrt } = place(t);
      const image = randomImage("uint16", 130, 70, 2, 7);
      const { directory } = await writeTileSet(vrt, image, { ...options, tileSize: 40, concurrency: 1, durability: "volatile" });
      const values = image.data as Uint16Array;
      for (const [row, height] of [40, 30].entries())
        for (const [col, width] of [40, 40, 40, 10].entries()) {
          const rows = Array.from({ length: height }, (_, y) => ((row * 40 + y) * 130 + col * 40) * 2);
          const data = Uint16Array.from(rows.flatMap((at) => [...values.subarray(at, at + width * 2)]));
          const found = fs.readFileSync(path.join(directory, `tile_${row}_${col}.tif`.replaceAll(/_(\d)/g, "_0$1")));
          assert.deepEqual(found, Buffer.from(await encodeGeoTiff({ data, width, height, bands: 2 }, options)));
        }
    }
  });

  it("leaves the memory of its source as it is", async (t) => {
    const count = 16 * 16;
    for (const compression of ["none", "deflate"] as const) {
      const given: [now: Uint8Array, then: Uint8Array][] = [];
      const keep = <T extends Int16Array | Uint8Array>(array: T): T => {
        given.push([bytesOf({ data: array }), Uint8Array.from(bytesOf({ data: array }))]);
        return array;
      };
      const tiles: SourceTile[] = [];
      for (let col = 0; col < 24; col++) {
        const data = new Int16Array(count).fill(col + 1);
        const encoded = await encodeGeoTiff({ data, width: 16, height: 16 }, { compression });
        tiles.push(col % 2 ? { row: 0, col, data: keep(data) } : { row: 0, col, encoded: keep(encoded) });
      }
      const shape = { width: 24 * 16, height: 16, dtype: "int16" } as const;
      const expected = Buffer.concat(Array.from({ length: 16 }, () => bytesOf({ data: rowOf(24) })));
      const read = ({ x }: PixelWindow): Int16Array => keep(new Int16Array(count).fill(x / 16 + 1));
      for (const source of [
        { ...shape, tiles },
        { ...shape, read },
      ]) {
        const { vrt } = place(t);
        await writeTileSet(vrt, source, { tileSize: 16, compression, concurrency: 2, durability: "volatile" });
        assert.deepEqual(await valuesOf(vrt), expected);
      }
      assert.equal(given.length, 48);
      for (const [now, then] of given) assert.ok(then.every((byte, i) => byte === now[i]));
    }
  });

  it("RAS-18: takes no more of its source than the budget has room for, and each window once", async (t) => {
    const { vrt } = place(t);
    let [underWay, most] = [0, 0];
    const asked = new Set<string>();
    const read = async ({ x, y, width, height }: PixelWindow): Promise<Float32Array> => {
      assert.ok(!asked.has(`${x},${y}`));
      asked.add(`${x},${y}`);
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return new Float32Array(width * height).fill(x);
    };
    const tileBytes = 256 * 16 * 4;
    const options = {
      concurrency: 16,
      memoryBudgetBytes: 3 * 4 * tileBytes,
      compression: "none",
      durability: "volatile",
    } as const;
    await writeTileSet(vrt, { width: 100_000, height: 16, dtype: "float32", read }, options);
    assert.equal(asked.size, 391);
    assert.equal(most, 3);
  });
});

describe("what is refused", () => {
  it("RAS-10: before any file is made", async (t) => {
    const { dir, vrt } = place(t);
    const wrong: [TileSource, Parameters<typeof writeTileSet>[2]][] = [
      [small(), { compression: "lzw" as never }],
      [small(), { tileSize: 0 }],
      [small(), { tileSize: 20_000 }],
      [small(), { nodata: 1.5 }],
      [small(), { geoTransform: [0, 0, 0, 0, 0, 0] }],
      [small(), { memoryBudgetBytes: 1000 }],
      [small(), { unknown: 1 } as never],
      [{ ...small(), width: 49 }, {}],
      [{ data: new Int16Array(8), shape: [2, 2, 2] } as never, {}],
      [{ width: 1, height: 1, dtype: "int16" } as never, {}],
      [{ width: 1, height: 1, dtype: "int17", read: () => new Int16Array(1) } as never, {}],
      [{ ...small(), read: () => new Int16Array(1) } as never, {}],
    ];
    for (const [source, options] of wrong) {
      await assert.rejects(
        writeTileSet(vrt, source, options),
        (error) => error instanceof TypeError || error instanceof RangeError,
      );
    }
    await assert.rejects(writeTileSet(path.join(dir, "out.tif"), small()), RangeError);
    await assert.rejects(writeTileSet(path.join(dir, "out.VRT"), small()), RangeError);
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  it("RAS-08: tiles of another program, unless they are to be renamed; nothing of them is lost", async (t) => {
    const { dir, vrt } = place(t);
    const foreign = path.join(dir, "out_tiles");
    fs.mkdirSync(foreign);
    fs.writeFileSync(path.join(foreign, "tile_00_00.tif"), "work");
    const refused = failsWith("EXISTS", ({ path: at, message, outcome }) => {
      assert.deepEqual([at, outcome], [foreign, "unchanged"]);
      assert.match(message, /left 1 files in the tile directory.*option leftovers "quarantine" rename it, or "adopt"/);
    });
    await assert.rejects(writeTileSet(vrt, small(), tiny), refused);
    assert.deepEqual(names(dir), ["out.vrt.lock", "out_tiles"]);
    const { quarantined } = await writeTileSet(vrt, small(), { ...tiny, leftovers: "quarantine" });
    assert.equal(fs.readFileSync(path.join(quarantined ?? "", "tile_00_00.tif"), "utf8"), "work");
    assert.deepEqual(await valuesOf(vrt), bytesOf(small()));
  });

  it("RAS-09: not an empty directory of that name", async (t) => {
    const { dir, vrt } = place(t);
    fs.mkdirSync(path.join(dir, "out_tiles"));
    await writeTileSet(vrt, small(), tiny);
    assert.deepEqual(await valuesOf(vrt), bytesOf(small()));
  });
});

describe("a write that fails", () => {
  const shape = { width: 64, height: 16, dtype: "uint8" } as const;
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  it("RAS-05: settles all its tiles before it cleans up and tells, and leaves the old version", async (t) => {
    const { dir, vrt } = place(t);
    await writeTileSet(vrt, small(), tiny);
    const before = names(dir);
    let underWay = 0;
    const read = async ({ x }: PixelWindow): Promise<Uint8Array> => {
      underWay++;
      if (x === 16) {
        underWay--;
        throw new Error("no such scene");
      }
      await turns(200);
      underWay--;
      return new Uint8Array(256);
    };
    const error = failsWith("SOURCE_FAILED", ({ details, outcome, cause }) => {
      assert.equal(underWay, 0);
      assert.equal(outcome, "unchanged");
      assert.match(String(cause), /no such scene/);
      assert.deepEqual(
        { ...details, others: undefined },
        { tile: "tile_00_01.tif", row: 0, col: 1, alsoFailed: 0, others: undefined },
      );
    });
    await assert.rejects(writeTileSet(vrt, { ...shape, read }, tiny), error);
    assert.deepEqual(names(dir), before);
    await turns(300);
    assert.deepEqual(names(dir), before);
    assert.deepEqual(await valuesOf(vrt), bytesOf(small()));
  });

  it("RAS-06: tells of the first failure, and names the others", async (t) => {
    const { vrt } = place(t);
    const read = async ({ x }: PixelWindow): Promise<Uint8Array> => {
      if (x === 16) await turns(50);
      if (x === 16 || x === 48) throw new Error(`at ${x}`);
      return new Uint8Array(256);
    };
    const error = failsWith("SOURCE_FAILED", ({ details, cause }) => {
      assert.match(String(cause), /at 48/);
      assert.equal(details["tile"], "tile_00_03.tif");
      assert.equal(details["alsoFailed"], 1);
      assert.match(String(details["others"]), /^tile_00_01\.tif: /);
    });
    await assert.rejects(writeTileSet(vrt, { ...shape, read }, tiny), error);
  });

  it("is one whose source has a tile twice, too few, of another place, size or type", async (t) => {
    const { dir, vrt } = place(t);
    const data = new Uint8Array(256);
    const wrong: unknown[][] = [
      [
        { row: 0, col: 0, data },
        { row: 0, col: 0, data },
      ],
      [{ row: 0, col: 0, data }],
      [{ row: 1, col: 0, data }],
      [{ row: 0, col: 0, data: new Uint8Array(255) }],
      [{ row: 0, col: 0, data: new Int8Array(256) }],
      [{ row: 0, col: 0, encoded: data }],
      [{ row: 0, col: 0, encoded: await encodeGeoTiff({ data, width: 8, height: 32 }) }],
      [{ row: 0, col: 0 }],
      [undefined],
    ];
    for (const tiles of wrong) {
      await assert.rejects(writeTileSet(vrt, { ...shape, tiles: tiles as SourceTile[] }, tiny), failsWith("SOURCE_FAILED"));
      assert.deepEqual(names(dir), ["out.vrt.lock"]);
    }
  });

  it("by an abort, also while its source hangs", async (t) => {
    const { dir, vrt } = place(t);
    const abort = new AbortController();
    const written = writeTileSet(
      vrt,
      { ...shape, read: () => new Promise<Uint8Array>(() => abort.abort()) },
      { ...tiny, signal: abort.signal },
    );
    await assert.rejects(written, failsWith("ABORTED"));
    assert.deepEqual(names(dir), ["out.vrt.lock"]);
  });
});

describe("a replacement", () => {
  it("RAS-04: leaves a reader the version it has opened, and removes that when it is closed and the grace period is over", async (t) => {
    const { dir, vrt } = place(t);
    await writeTileSet(vrt, small(1), tiny);
    const reader = await openTileSet(vrt);
    assert.ok(reader.pinned);
    const second = await writeTileSet(vrt, small(2), { ...tiny, graceMs: 0 });
    assert.deepEqual(second.kept, [reader.directory]);
    assert.deepEqual(bytesOf(await reader.read({ x: 0, y: 0, width: 50, height: 40 })), bytesOf(small(1)));
    assert.deepEqual(await valuesOf(vrt), bytesOf(small(2)));
    await reader.close();
    await assert.rejects(reader.read({ x: 0, y: 0, width: 1, height: 1 }), failsWith("CLOSED"));
    const third = await writeTileSet(vrt, small(3), { ...tiny, graceMs: 0 });
    assert.deepEqual(third.removed, [reader.directory, second.directory]);
    assert.equal(generations(dir).length, 1);
  });

  it("keeps the replaced version for the grace period", async (t) => {
    const { dir, vrt } = place(t);
    await writeTileSet(vrt, small(1), tiny);
    const { kept, removed } = await writeTileSet(vrt, small(2), tiny);
    assert.deepEqual([kept.length, removed.length, generations(dir).length], [1, 0, 2]);
  });

  it("RAS-14: has its own categories, and no statistics of the old values; a style stays", async (t) => {
    const { vrt } = place(t);
    await writeTileSet(vrt, small(1), { ...tiny, categories: ["sea", "land"] });
    fs.writeFileSync(`${vrt}.aux.xml`, "<PAMDataset/>");
    fs.writeFileSync(vrt.replace(/vrt$/, "qml"), "style");
    await writeTileSet(vrt, small(2), tiny);
    assert.ok(!fs.readFileSync(vrt, "utf8").includes("Category"));
    assert.ok(!fs.existsSync(`${vrt}.aux.xml`));
    assert.equal(fs.readFileSync(vrt.replace(/vrt$/, "qml"), "utf8"), "style");
  });

  it("RAS-15: of two writers, one waits for the other; with no time to wait it is refused", async (t) => {
    const { dir, vrt } = place(t);
    let second: Promise<unknown> | undefined;
    const read = async ({ width, height }: PixelWindow): Promise<Int16Array> => {
      second ??= writeTileSet(vrt, small(2), tiny);
      await assert.rejects(writeTileSet(vrt, small(3), { ...tiny, lockTimeoutMs: 0 }), failsWith("LOCKED"));
      return new Int16Array(width * height);
    };
    await writeTileSet(vrt, { width: 50, height: 40, dtype: "int16", read }, tiny);
    await second;
    assert.deepEqual(await valuesOf(vrt), bytesOf(small(2)));
    assert.equal(generations(dir).length, 2);
  });

  it("never fails or mixes for readers that open it while it is replaced as fast as can be", async (t) => {
    const { vrt } = place(t);
    const flat = (value: number): GeoTiffImage => ({ data: new Uint8Array(256).fill(value), width: 16, height: 16 });
    const options = { tileSize: 8, compression: "none", graceMs: 0, durability: "volatile" } as const;
    await writeTileSet(vrt, flat(0), options);
    let done = false;
    const writer = (async () => {
      for (let version = 1; version <= 40; version++) await writeTileSet(vrt, flat(version), options);
      done = true;
    })();
    let reads = 0;
    while (!done) {
      const found = await valuesOf(vrt);
      assert.equal(new Set(found).size, 1);
      reads++;
    }
    await writer;
    assert.ok(reads > 5, `${reads}`);
  });
});
