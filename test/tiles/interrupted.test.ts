/** Writes of tile sets whose process was killed. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { repairTileSet, writeTileSet } from "holdfast/tiles";
import type { PixelWindow } from "holdfast/tiles/geotiff";
import { bytesOf } from "../support/rasters.ts";
import { failsWith, generations, killed, place, small, tiny, valuesOf } from "../support/tile-files.ts";

describe("a write that was killed", () => {
  it("RAS-07: is cleaned up after, once its owner is dead; a living one is left alone", async (t) => {
    const { dir, vrt } = place(t);
    await killed(vrt, 8, { ...tiny, concurrency: 1 });
    const [first = ""] = generations(dir);
    for (let copy = 0; copy < 4; copy++)
      fs.cpSync(path.join(dir, first), path.join(dir, `${first.slice(0, -2)}${copy}z`), { recursive: true });
    const dead = generations(dir).map((name) => path.join(dir, name));
    assert.equal(dead.length, 5);
    const seen: string[][] = [];
    const read = async ({ width, height }: PixelWindow): Promise<Int16Array> => {
      seen.push(generations(dir));
      await assert.rejects(repairTileSet(vrt, { lockTimeoutMs: 0 }), failsWith("LOCKED"));
      assert.equal(generations(dir).length, 1, "the living one is still there");
      return new Int16Array(width * height);
    };
    const { removed } = await writeTileSet(vrt, { width: 50, height: 40, dtype: "int16", read }, { ...tiny, concurrency: 1 });
    assert.deepEqual([...removed].sort(), dead.sort());
    assert.ok(seen.every(({ length }) => length === 1));
  });

  it("RAS-20: is gone on with, if that is asked for: of 256 tiles only what is missing or not whole is made again", async (t) => {
    const { dir, vrt } = place(t);
    const plain = { ...tiny, tileSize: 4 };
    const options = { ...plain, concurrency: 1, resume: "v1" };
    await killed(vrt, 200, options, [64, 64]);
    const [name = ""] = generations(dir);
    const tiles = fs.readdirSync(path.join(dir, name)).filter((file) => file.endsWith(".tif"));
    assert.equal(tiles.length, 200);
    fs.truncateSync(path.join(dir, name, "tile_00_01.tif"), 300);
    const zeroed = path.join(dir, name, "tile_00_02.tif");
    fs.writeFileSync(zeroed, Buffer.alloc(fs.statSync(zeroed).size));
    const asked: number[] = [];
    const read = ({ x, y, width, height }: PixelWindow): Int16Array => {
      const at = (y / 4) * 16 + x / 4;
      asked.push(at);
      return new Int16Array(width * height).fill(at + 1);
    };
    const source = { width: 64, height: 64, dtype: "int16", read } as const;
    const { resumedCount } = await writeTileSet(vrt, source, options);
    assert.deepEqual(asked, [1, 2, ...Array.from({ length: 56 }, (_, i) => 200 + i)]);
    assert.equal(resumedCount, 198);
    const fresh = place(t);
    await writeTileSet(fresh.vrt, source, plain);
    assert.deepEqual(await valuesOf(vrt), await valuesOf(fresh.vrt));
  });

  it("is not gone on with if a newer version was committed since: of those the newest has the highest number", async (t) => {
    const { dir, vrt } = place(t);
    await writeTileSet(vrt, small(1), tiny);
    const [first = ""] = generations(dir);
    await writeTileSet(vrt, small(2), tiny);
    fs.rmSync(path.join(dir, first, "committed")); // as when its removal was interrupted
    await writeTileSet(vrt, small(3), { ...tiny, resume: "v1" });
    fs.rmSync(vrt);
    await repairTileSet(vrt);
    assert.deepEqual(await valuesOf(vrt), bytesOf(small(3)));
  });

  it("is not gone on with for another source or other options", async (t) => {
    for (const other of [{ resume: "v2" }, { nodata: 1, resume: "v1" }]) {
      const { vrt } = place(t);
      await killed(vrt, 9, { ...tiny, concurrency: 1, resume: "v1" });
      const { resumedCount } = await writeTileSet(vrt, small(), { ...tiny, ...other });
      assert.equal(resumedCount, 0);
      assert.deepEqual(await valuesOf(vrt), bytesOf(small()));
    }
  });
});
