/** Tile sets, as the doctor finds them: whole, interrupted, damaged, and those of other programs. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import type { Finding } from "holdfast/doctor";
import { diagnose } from "holdfast/doctor";
import { onDisk, type SweepOptions, sweep } from "holdfast/sim";
import { writeTileSet } from "holdfast/tiles";
import { lockNote } from "../../dist/format/lock-note.js";
import { deep } from "../support/deep.ts";
import { bytesOf } from "../support/rasters.ts";
import { generations, killed, place, small, tiny, valuesOf } from "../support/tile-files.ts";
import { found, INDEX, put, seenByOthers } from "../support/tile-sets.ts";
import { findings, repairAll, snapshot } from "./remains.ts";

/** What is found without repair, which changes nothing; then with it; and what is found after that. */
async function examined(dir: string): Promise<{ before: Finding; repaired: Finding; after: Finding | undefined }> {
  const there = snapshot(dir);
  const before = (await findings(dir)).by("tile-set");
  assert.deepEqual(snapshot(dir), there, "looking has changed something");
  const { by, failedCount } = await findings(dir, { repair: true });
  assert.equal(failedCount, 0);
  const { all } = await findings(dir);
  return { before, repaired: by("tile-set"), after: all.find(({ kind }) => kind === "tile-set") };
}

describe("the doctor finds a tile set", () => {
  it("that is whole, with all its versions, as one thing, and does not look into it", async (t) => {
    const { dir, vrt } = place(t);
    for (const seed of [1, 2]) await writeTileSet(vrt, small(seed), tiny);
    const { all, by, directoryCount } = await findings(dir, { repair: true });
    assert.deepEqual(
      all.map(({ kind, state }) => [kind, state]),
      [
        ["tile-set", "idle"],
        ["lock", "idle"],
      ],
    );
    const filesIn = (name: string): string[] => fs.readdirSync(path.join(dir, name)).map((file) => path.join(dir, name, file));
    const sizes = [vrt, ...generations(dir).flatMap(filesIn)].map((file) => fs.statSync(file).size);
    assert.equal(
      by("tile-set").sizeBytes,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    assert.equal(directoryCount, 1);
    assert.deepEqual(await valuesOf(vrt), bytesOf(small(2)));
    assert.equal(generations(dir).length, 2, "readers that nobody sees may use the one before");
  });

  it("that is being written, and leaves it to its writer", async (t) => {
    const { dir, vrt } = place(t);
    const states: string[] = [];
    const read = async ({ width, height }: { width: number; height: number }): Promise<Int16Array> => {
      const { by } = await findings(dir, { repair: true });
      states.push(`${by("tile-set").state} ${by("tile-set").repair} ${by("tile-set").owner?.pid === process.pid}`);
      return new Int16Array(width * height).fill(7);
    };
    await writeTileSet(vrt, { width: 16, height: 32, dtype: "int16", read }, { ...tiny, concurrency: 1 });
    assert.deepEqual(states, ["live kept true", "live kept true"]);
    assert.ok((await valuesOf(vrt)).every((byte, at) => byte === (at % 2 === 0 ? 7 : 0)));
  });

  it("whose first write was killed: what was never committed is removed", async (t) => {
    const { dir, vrt } = place(t);
    await killed(vrt, 3, tiny);
    const { before, repaired, after } = await examined(dir);
    assert.deepEqual([before.path, before.state, before.repair], [vrt, "dead", "removed"]);
    assert.equal(repaired.repaired, true);
    assert.deepEqual([after, generations(dir)], [undefined, []]);
  });

  it("whose next write was killed: the version before stays", async (t) => {
    const { dir, vrt } = place(t);
    await writeTileSet(vrt, small(1), tiny);
    await killed(vrt, 3, tiny);
    assert.equal(generations(dir).length, 2);
    const { before, after } = await examined(dir);
    assert.deepEqual([before.state, before.repair, after?.state], ["dead", "removed", "idle"]);
    assert.equal(generations(dir).length, 1);
    assert.deepEqual(await valuesOf(vrt), bytesOf(small(1)));
  });

  it("whose writer died between the commit and its mark", async (t) => {
    const { dir, vrt } = place(t);
    await writeTileSet(vrt, small(1), tiny);
    const [name = ""] = generations(dir);
    const mark = path.join(dir, name, "committed");
    const text = fs.readFileSync(mark);
    for (const cut of [undefined, Buffer.alloc(0)]) {
      if (cut) fs.writeFileSync(mark, cut);
      else fs.rmSync(mark);
      const { before, after } = await examined(dir);
      assert.deepEqual([before.state, before.repair, after?.state], ["dead", "recovered", "idle"]);
      assert.deepEqual(fs.readFileSync(mark), text);
    }
  });

  for (const name of ["out.vrt", "out.gti.fgb"]) {
    it(`whose ${name} is lost or torn, and makes it again byte by byte, of the newest that was committed`, async (t) => {
      const { dir, vrt } = place(t, name);
      const options = { ...tiny, geoTransform: [0, 1, 0, 0, 0, -1] as const };
      for (const seed of [1, 2]) await writeTileSet(vrt, small(seed), options);
      const good = fs.readFileSync(vrt);
      await killed(vrt, 3, options);
      for (const bad of [good.subarray(0, 400), Buffer.alloc(good.length), undefined]) {
        if (bad) fs.writeFileSync(vrt, bad);
        else fs.rmSync(vrt);
        const { before, repaired } = await examined(dir);
        assert.deepEqual([before.state, before.repair, repaired.repaired], ["damaged", "recovered", true]);
        assert.match(before.text, bad ? /is damaged/ : /is absent/);
        assert.deepEqual(fs.readFileSync(vrt), good);
      }
      assert.equal(generations(dir).length, 2, "of the killed one nothing is left");
    });
  }

  it("of which nothing is whole, and touches nothing of it", async (t) => {
    const { dir, vrt } = place(t);
    const { directory } = await writeTileSet(vrt, small(1), tiny);
    const expectKept = async (text: RegExp): Promise<void> => {
      const there = snapshot(dir);
      const { before, repaired } = await examined(dir);
      assert.deepEqual([before.state, before.repair, repaired.repaired], ["damaged", "kept", undefined]);
      assert.match(before.text, text);
      assert.deepEqual(snapshot(dir), there);
    };
    const tile = path.join(directory, "tile_01_02.tif");
    fs.truncateSync(tile, 100);
    await expectKept(/: 1, the first .*tile_01_02\.tif/);
    fs.rmSync(tile);
    await expectKept(/: 1, the first .*tile_01_02\.tif/);
    fs.appendFileSync(path.join(directory, "manifest.json"), " ");
    await expectKept(/manifest that the index names is damaged/);
    fs.writeFileSync(vrt, "");
    await expectKept(/the index is damaged, and there is no version/);
    fs.rmSync(vrt);
    await expectKept(/the index is absent, and there is no version/);
  });

  it("and takes none of another program for one, nor its tiles", async (t) => {
    const { dir, vrt } = place(t);
    const foreign = '<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>\n';
    fs.writeFileSync(vrt, foreign);
    fs.writeFileSync(path.join(dir, "torn.vrt"), foreign.slice(0, 20));
    fs.mkdirSync(path.join(dir, "directory.vrt"));
    for (const name of ["out_tiles", "out_tiles.000001-x", "torn_tiles"]) {
      fs.mkdirSync(path.join(dir, name));
      fs.writeFileSync(path.join(dir, name, "tile_00_00.tif"), "II");
    }
    const there = snapshot(dir);
    const { findingCount } = await diagnose(dir, { repair: true });
    assert.equal(findingCount, 0);
    const ours = place(t);
    await writeTileSet(ours.vrt, small(1), tiny);
    fs.writeFileSync(ours.vrt, foreign);
    const { before, after } = await examined(ours.dir);
    assert.deepEqual([before.state, before.repair, after?.state], ["unknown", "kept", "unknown"]);
    assert.equal(generations(ours.dir).length, 1);
    assert.deepEqual(snapshot(dir), there);
  });
});

describe("repair, crashed, of a tile set whose write was crashed", () => {
  const scenario = (repairs: Set<string>): SweepOptions => ({
    setup: async (disk) => {
      disk.writeFile(`${INDEX}.lock`, lockNote(undefined));
      await onDisk(disk, () => put(1));
    },
    run: () => put(2),
    recover: () => repairAll("/app", repairs),
    async check({ disk, finished }) {
      const version = await found();
      assert.equal(seenByOthers(disk), version);
      assert.ok((finished ? [2] : [1, 2]).includes(version), `version ${version}`);
      const { states, repairableCount } = await diagnose("/app");
      assert.deepEqual([states.damaged, repairableCount], [0, 0]);
      disk.writeFile(INDEX, "");
      await diagnose("/app", { repair: true });
      assert.equal(await found(), version);
    },
  });

  it("leaves one whole version, the newest if it was acknowledged, also if the index is lost", async (t) => {
    const repairs = new Set<string>();
    const { violations, states, text } = await sweep({ ...scenario(repairs), depth: deep ? 2 : 1 });
    t.diagnostic(`${states} states`);
    assert.equal(violations, 0, text);
    assert.deepEqual([...repairs].sort(), ["recovered", "removed"], "both were needed");
  });

  it("would not without a sync of directories, and the sweep notices", async () => {
    const { violations } = await sweep({ ...scenario(new Set()), sabotage: "no-directory-sync", untilFirst: true });
    assert.ok(violations > 0);
  });
});
