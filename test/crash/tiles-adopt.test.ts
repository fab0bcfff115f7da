/** RAS-08: while tiles of another program are taken over, no crash loses one, and the same call just succeeds. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { type SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { encodeGeoTiff } from "holdfast/tiles/geotiff";
import { lockNote } from "../../dist/format/lock-note.js";
import { found, INDEX, put, seenByOthers } from "../support/tile-sets.ts";

const FILES = { "tile_00_00.tif": undefined, "notes.txt": "work of weeks" };
const tile = await encodeGeoTiff({ width: 2, height: 2, data: new Uint8Array(4).fill(1) }, { compression: "none" });

const setup = (disk: SimDisk): void => {
  disk.writeFile(`${INDEX}.lock`, lockNote(undefined));
  for (const [name, text] of Object.entries(FILES)) disk.writeFile(`/app/out_tiles/${name}`, text ?? tile);
};

/** Where the files of the other program are now: all in one directory, as they were. */
function whereIs(disk: SimDisk): string {
  const [dir, ...more] = Object.keys(disk.tree()).filter((path) => /^\/app\/out_tiles(\.quarantine-[^/]*)?\/$/.test(path));
  assert.ok(dir !== undefined && more.length === 0, `${dir} ${more}`);
  assert.deepEqual(Buffer.from(disk.readFile(`${dir}tile_00_00.tif`) ?? []), Buffer.from(tile));
  assert.equal(disk.readText(`${dir}notes.txt`), FILES["notes.txt"]);
  return dir;
}

const adopt: SweepOptions = {
  setup,
  run: () => put(1, { leftovers: "adopt" }),
  async check({ disk, finished }) {
    whereIs(disk);
    const version = await found();
    assert.equal(seenByOthers(disk), version);
    if (finished) assert.equal(version, 1);
    await put(2, { leftovers: "adopt" });
    assert.match(whereIs(disk), /quarantine/);
    if (version === 1) assert.equal(await found(), 2, "tiles were taken over a second time, into another version");
  },
};

it("RAS-08: adopt, crashed, leaves nothing or the new version, and every file of the other program", async (t) => {
  const { violations, states, text } = await sweep(adopt);
  assert.equal(violations, 0, text);
  assert.ok(states >= 20, text);
  t.diagnostic(text);
});

it("the sweep would see it without a sync of directories", async () => {
  assert.ok((await sweep({ ...adopt, sabotage: "no-directory-sync", untilFirst: true })).violations > 0);
});
