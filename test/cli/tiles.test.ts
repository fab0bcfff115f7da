import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { writeTileSet } from "holdfast/tiles";
import { place, small, tiny } from "../support/tile-files.ts";
import { assertForPeople, holdfast, jsonLine } from "./command.ts";

describe("holdfast tiles", { concurrency: 3 }, () => {
  it("ls: what it is, and its tiles", async (t) => {
    const { dir, vrt } = place(t);
    const { directory } = await writeTileSet(vrt, small(), {
      ...tiny,
      crs: 32633,
      nodata: -1,
      geoTransform: [0, 1, 0, 0, 0, -1],
    });
    const listed = await holdfast(["tiles", "ls", "out.vrt"], "", { cwd: dir });
    assert.equal(listed.code, 0);
    assert.match(
      listed.stdout,
      /^50 x 40 pixels of int16, 1 band\n12 tiles of 16 x 16, .*\nEPSG:32633\ntransform 0 1 0 0 0 -1\nno data is -1\n/,
    );
    assert.match(listed.stdout, /^ +2 +3 +[\d.]+ k?B +tile_02_03\.tif$/m);
    assertForPeople(listed);
    const lines = (await holdfast(["tiles", "ls", "--json", vrt])).stdout.trimEnd().split("\n").map(jsonLine);
    assert.equal(lines.length, 13);
    assert.deepEqual([lines[12]?.["type"], lines[12]?.["directory"], lines[12]?.["tileCount"]], ["tile_set", directory, 12]);
  });

  it("verify: 0 if all is whole, 3 and where if not, 1 if there is none, 2 for another name", async (t) => {
    const { vrt } = place(t);
    const { directory } = await writeTileSet(vrt, small(), tiny);
    const whole = await holdfast(["tiles", "verify", vrt]);
    assert.equal(whole.code, 0);
    assert.match(whole.stdout, /^12 tiles, .*: all whole\n$/);
    fs.truncateSync(path.join(directory, "tile_01_02.tif"), 10);
    const damaged = await holdfast(["tiles", "verify", vrt]);
    assert.equal(damaged.code, 3);
    assert.match(damaged.stdout, /^ +1 +2 +truncated +\S+tile_01_02\.tif\n1 damaged: /m);
    const [tile = "", sum = ""] = (await holdfast(["tiles", "verify", "--json", vrt])).stdout.split("\n");
    assert.deepEqual([jsonLine(tile)["damage"], jsonLine(sum)["damagedCount"]], ["truncated", 1]);
    assert.equal((await holdfast(["tiles", "verify", `${directory}/no.vrt`])).code, 1);
    assert.equal((await holdfast(["tiles", "verify", "a.tif"])).code, 2);
  });

  it("RAS-11: repair: 0 if there is nothing to do, 4 if the index was rebuilt", async (t) => {
    const { vrt } = place(t);
    await writeTileSet(vrt, small(), tiny);
    assert.equal((await holdfast(["tiles", "repair", vrt])).code, 0);
    const good = fs.readFileSync(vrt);
    fs.truncateSync(vrt, 100);
    assert.equal((await holdfast(["tiles", "verify", vrt])).code, 3);
    const repaired = await holdfast(["tiles", "repair", vrt]);
    assert.deepEqual([repaired.code, repaired.stdout], [4, "the index was rebuilt, and is what it was\n"]);
    assert.deepEqual(fs.readFileSync(vrt), good);
  });
});
