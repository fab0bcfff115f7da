/** Tile sets where files that are open can't be replaced or removed, in virtual time. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { onDisk, SimDisk, sweep } from "holdfast/sim";
import { openTileSet, writeTileSet } from "holdfast/tiles";
import { found, INDEX, put, seenByOthers } from "../support/tile-sets.ts";

const generationsOn = (disk: SimDisk): string[] => Object.keys(disk.tree()).filter((path) => /_tiles\.[^/]*\/$/.test(path));

async function withFirst(): Promise<SimDisk> {
  const disk = new SimDisk({ platform: "windows" });
  disk.makeDir("/app");
  await onDisk(disk, () => put(1));
  return disk;
}

it("RAS-17: an indexer that holds every tile and the index for a while does not fail a commit", async () => {
  const disk = await withFirst();
  const indexer = disk.process();
  const held = new Set<string>();
  const read = ({ width, height }: { width: number; height: number }): Uint8Array => {
    for (const path of Object.keys(disk.tree())) {
      if (!/\.(tif|vrt)$/.test(path) || held.has(path)) continue;
      indexer.sync.open(path, "read");
      held.add(path);
    }
    return new Uint8Array(width * height).fill(2);
  };
  const source = { width: 4, height: 2, dtype: "uint8", read } as const;
  const startMs = indexer.sync.now();
  const writing = onDisk(disk, () =>
    writeTileSet(INDEX, source, { tileSize: 2, compression: "none", concurrency: 1, graceMs: 0 }),
  );
  while (indexer.sync.now() - startMs < 300) await new Promise(setImmediate);
  assert.equal(held.size, 4, "two old tiles, the index, and the new tile that was there when the second was asked for");
  assert.equal(seenByOthers(disk), 1);
  indexer.kill();
  await writing;
  assert.equal(seenByOthers(disk), 2);
});

it("RAS-04, RAS-09: a reader keeps its version, which the next write removes; an empty foreign directory is in nobody's way", async () => {
  const disk = await withFirst();
  disk.makeDir("/app/out_tiles");
  const reader = await onDisk(disk, () => openTileSet(INDEX));
  await onDisk(disk, () => put(2));
  const { data } = await reader.read({ x: 0, y: 0, width: 4, height: 2 });
  assert.ok((data as Uint8Array).every((value) => value === 1));
  assert.equal(generationsOn(disk).length, 2);
  await reader.close();
  await onDisk(disk, () => put(3));
  assert.equal(generationsOn(disk).length, 1);
  assert.equal(seenByOthers(disk), 3);
});

it("a crash leaves the old or the new version", async (t) => {
  const { violations, text } = await sweep({
    disk: { platform: "windows" },
    async setup(disk) {
      disk.makeDir("/app");
      await onDisk(disk, () => put(1));
    },
    run: () => put(2),
    async check({ disk, finished }) {
      assert.equal(await found(), seenByOthers(disk));
      assert.ok((finished ? [2] : [1, 2]).includes(await found()));
    },
  });
  assert.equal(violations, 0, text);
  t.diagnostic(text);
});
