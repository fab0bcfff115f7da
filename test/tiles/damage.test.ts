/** Damaged tile sets: what is told of it, and what can be put right. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { openTileSet, repairTileSet, writeTileSet } from "holdfast/tiles";
import { failsWith, generations, place, small, tiny } from "../support/tile-files.ts";

describe("damage", () => {
  it("RAS-11: of the index is told, and the index is rebuilt byte by byte", async (t) => {
    const { dir, vrt } = place(t);
    await writeTileSet(vrt, small(1), tiny);
    await writeTileSet(vrt, small(2), { ...tiny, metadata: { a: "<&>" }, crs: 4326, geoTransform: [0, 0.1, 0, 0, 0, -0.1] });
    // what a write that was interrupted leaves: newer, whole, and never named by an index
    const [, current = ""] = generations(dir);
    const uncommitted = path.join(dir, current.replace(/000002-./, "000003-z"));
    fs.cpSync(path.join(dir, current), uncommitted, { recursive: true });
    fs.rmSync(path.join(uncommitted, "committed"));
    const good = fs.readFileSync(vrt);
    const bad: Record<string, Buffer | undefined> = {
      "cut short": good.subarray(0, 400),
      "cut to nothing": Buffer.alloc(0),
      zeros: Buffer.alloc(good.length),
      "one bit": Buffer.from(good.toString().replace('xOff="16"', 'xOff="17"')),
      lost: undefined,
    };
    for (const [name, bytes] of Object.entries(bad)) {
      if (bytes) {
        fs.writeFileSync(vrt, bytes);
        await assert.rejects(
          openTileSet(vrt),
          failsWith("CORRUPT_TILES", (error) => assert.equal(error.path, vrt)),
          name,
        );
      } else {
        fs.rmSync(vrt);
        await assert.rejects(openTileSet(vrt), failsWith("NOT_FOUND"));
      }
      const { index, damaged } = await repairTileSet(vrt);
      assert.deepEqual([index, damaged], ["rebuilt", []], name);
      assert.deepEqual(fs.readFileSync(vrt), good, name);
    }
    assert.equal((await repairTileSet(vrt)).index, "intact");
    assert.ok(!fs.existsSync(uncommitted));
  });

  it("RAS-12: of a tile is told with its row and column; other windows are read, and holes filled if asked for", async (t) => {
    const { vrt } = place(t);
    const { directory } = await writeTileSet(vrt, small(), { tileSize: 16 });
    const tile = path.join(directory, "tile_01_02.tif");
    const good = fs.readFileSync(tile);
    for (const [damage, bytes] of [
      ["truncated", good.subarray(0, 200)],
      ["changed", Buffer.alloc(good.length)],
      ["missing", undefined],
    ] as const) {
      if (bytes) fs.writeFileSync(tile, bytes);
      else fs.rmSync(tile);
      const set = await openTileSet(vrt);
      const whole = { x: 0, y: 0, width: 50, height: 40 };
      await assert.rejects(
        set.read(whole),
        failsWith("CORRUPT_TILES", ({ details }) => assert.deepEqual(details, { row: 1, col: 2, damage })),
      );
      await set.read({ x: 0, y: 0, width: 32, height: 40 });
      const { data, holes } = await set.read(whole, { fill: -7 });
      assert.deepEqual(holes, [{ row: 1, col: 2, path: tile, damage }]);
      assert.equal(data[16 * 50 + 32], -7);
      assert.equal(data[0], small().data[0]);
      assert.deepEqual(await set.verify(), holes);
      await set.close();
      assert.deepEqual((await repairTileSet(vrt)).damaged, holes);
    }
  });

  it("of the manifest is told, and nothing is rebuilt from it", async (t) => {
    const { vrt } = place(t);
    const { directory } = await writeTileSet(vrt, small(), tiny);
    fs.appendFileSync(path.join(directory, "manifest.json"), " ");
    await assert.rejects(openTileSet(vrt), failsWith("CORRUPT_TILES"));
    await assert.rejects(repairTileSet(vrt), failsWith("CORRUPT_TILES"));
    fs.rmSync(directory, { recursive: true });
    await assert.rejects(
      openTileSet(vrt),
      failsWith("CORRUPT_TILES", ({ message }) => assert.match(message, /are gone/)),
    );
  });

  it("is nothing that is found in an index of another program, which is left alone", async (t) => {
    const { vrt } = place(t);
    fs.writeFileSync(vrt, '<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>\n');
    await assert.rejects(openTileSet(vrt), failsWith("UNSUPPORTED"));
    await assert.rejects(repairTileSet(vrt), failsWith("UNSUPPORTED"));
  });
});
