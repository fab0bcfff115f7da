/** Whatever fails while a tile set is written, the error says which version is there, and it is whole. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { faultSweep, onDisk, SimDisk } from "holdfast/sim";
import { needsWide, wide } from "../support/deep.ts";
import { leaveForeign, put, seenByOthers, whereForeignIs } from "../support/tile-sets.ts";

const VERSIONS: Record<string, { first: boolean }> = { "a first version": { first: true }, "a second version": { first: false } };

for (const [name, { first }] of Object.entries(VERSIONS)) {
  const skip = first && needsWide;
  it(`${name}: the outcome agrees with the disk after every fault`, { skip }, async (t) => {
    const { violations, cases, requests, text } = await faultSweep({
      async setup(disk: SimDisk) {
        disk.makeDir("/app");
        if (!first) await onDisk(disk, () => put(1));
      },
      run: () => put(2, wide ? {} : { tileSize: 4 }),
      observe: seenByOthers,
    });
    assert.equal(violations, 0, text);
    assert.ok(requests >= 50 && cases > requests, text);
    t.diagnostic(text);
  });
}

it("RAS-08: tiles of another program that are adopted: the outcome agrees, and none is lost", async (t) => {
  const { violations, cases, requests, text } = await faultSweep({
    setup: leaveForeign,
    run: () => put(1, { leftovers: "adopt", ...(wide ? {} : { tileSize: 4 }) }),
    observe(disk) {
      whereForeignIs(disk);
      return seenByOthers(disk);
    },
  });
  assert.equal(violations, 0, text);
  assert.ok(requests >= 50 && cases > requests, text);
  t.diagnostic(text);
});

it("RAS-16: a full disk leaves the old version, nothing of the new, and says which tile had no room", async () => {
  const disk = new SimDisk();
  disk.makeDir("/app");
  await onDisk(disk, () => put(1));
  const before = Object.keys(disk.tree());
  const faults = [{ op: "write", path: "/app/*/tile_00_01.tif", errno: "ENOSPC" }] as const;
  await assert.rejects(
    onDisk(disk, () => put(2), { faults }),
    (error) => {
      const { code, outcome, details } = error as { code: string; outcome: string; details: Record<string, unknown> };
      assert.deepEqual(
        [code, outcome, details["tile"], details["row"], details["col"]],
        ["NO_SPACE", "unchanged", "tile_00_01.tif", 0, 1],
      );
      assert.ok(Number(details["neededBytes"]) > 256);
      return true;
    },
  );
  assert.equal(seenByOthers(disk), 1);
  assert.deepEqual(Object.keys(disk.tree()), before);
  await onDisk(disk, () => put(3));
  assert.equal(seenByOthers(disk), 3);
});
