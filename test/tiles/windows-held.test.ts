/**
 * RAS-17, with real processes and the share modes of Windows: what an indexer or a scanner has open while a tile set is replaced. The
 * same in virtual time is in windows.test.ts.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "node:test";
import { type WindowSource, writeTileSet } from "holdfast/tiles";
import { type Holder, hold } from "../support/holder.ts";
import { withMachine, wrapped } from "../support/machines.ts";
import { needsWindows } from "../support/needs.ts";
import { generations, place, valuesOf } from "../support/tile-files.ts";

const LONG_MS = 60_000;
const OPTIONS = { tileSize: 16, compression: "none", concurrency: 1, graceMs: 0 } as const;

/** Two tiles of one value; `before` is called before the second. */
const source = (value: number, before: () => Promise<void> = async () => {}): WindowSource => ({
  width: 32,
  height: 16,
  dtype: "uint8",
  async read({ x, width, height }) {
    if (x > 0) await before();
    return new Uint8Array(width * height).fill(value);
  },
});

describe("RAS-17: while an indexer holds the tiles and the index", { skip: needsWindows }, () => {
  for (const how of ["reading", "shared"] as const) {
    it(`${how}: a tile set is replaced, and what can't be removed is removed by a later write`, async (t) => {
      const { dir, vrt } = place(t);
      const first = await writeTileSet(vrt, source(1), OPTIONS);
      const holders: Holder[] = [];
      const holdTiles = async (): Promise<void> => {
        assert.equal(generations(dir).length, 2);
        for (const name of generations(dir)) holders.push(await hold(t, path.join(dir, name, "tile_00_00.tif"), how, LONG_MS)); // the old one, and one that is new
      };
      let [attempts, onIndex]: [number, Holder | undefined] = [0, undefined];
      const machine = wrapped((call, proceed) => {
        if (call.op !== "rename" || call.args[1] !== vrt) return proceed();
        if (++attempts > 1) return onIndex?.kill().then(proceed);
        return hold(t, vrt, how, LONG_MS).then((holder) => {
          onIndex = holder;
          return proceed();
        });
      });
      const second = await withMachine(machine, () => writeTileSet(vrt, source(2, holdTiles), OPTIONS));
      assert.ok(attempts > 1, "the index was not in the way: this test shows nothing");
      assert.deepEqual([second.removed, second.kept], [[], [first.directory]]);
      assert.ok((await valuesOf(vrt)).every((value) => value === 2));
      for (const holder of holders) await holder.kill();
      // The handles of a process that was killed may be there for a moment longer than it.
      let kept: readonly string[];
      let writes = 0;
      do ({ kept } = await writeTileSet(vrt, source(3), OPTIONS));
      while (kept.length > 0 && ++writes < 50);
      assert.deepEqual([kept, generations(dir).length], [[], 1]);
      assert.ok((await valuesOf(vrt)).every((value) => value === 3));
    });
  }
});
