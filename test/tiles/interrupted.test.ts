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

  it("RAS-20: is gone on with, if that is asked for: only what is missing or not whole is made again", async (t) => {
    const { dir, vrt } = place(t);
    const options = { ...tiny, concurrency: 1, resume: "v1" };
    await killed(vrt, 9, options);
    const [name = ""] = generations(dir);
    const tiles = fs.readdirSync(path.join(dir, name)).filter((file) => file.endsWith(".tif"));
    assert.equal(tiles.length, 9);
    fs.truncateSync(path.join(dir, name, "tile_00_01.tif"), 300);
    const zeroed = path.join(dir, name, "tile_00_02.tif");
    fs.writeFileSync(zeroed, Buffer.alloc(fs.statSync(zeroed).size));
    const asked: string[] = [];
    const order = new Map<string, number>();
    for (let row = 0; row < 3; row++) for (let col = 0; col < 4; col++) order.set(`${row},${col}`, row * 4 + col + 1);
    const read = ({ x, y, width, height }: PixelWindow): Int16Array => {
      const at = `${y / 16},${x / 16}`;
      asked.push(at);
      return new Int16Array(width * height).fill(order.get(at) ?? 0);
    };
    const source = { width: 50, height: 40, dtype: "int16", read } as const;
    const { resumedCount } = await writeTileSet(vrt, source, options);
    assert.deepEqual(asked, ["0,1", "0,2", "2,1", "2,2", "2,3"]);
    assert.equal(resumedCount, 7);
    const fresh = place(t);
    await writeTileSet(fresh.vrt, source, tiny);
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
