/** RAS-08: while tiles of another program are taken over, no crash loses one, and the same call just succeeds. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { type SweepOptions, sweep } from "holdfast/sim";
import { lockNote } from "../../dist/format/lock-note.js";
import { found, INDEX, leaveForeign, put, seenByOthers, whereForeignIs } from "../support/tile-sets.ts";

const adopt: SweepOptions = {
  setup(disk) {
    disk.writeFile(`${INDEX}.lock`, lockNote(undefined));
    leaveForeign(disk);
  },
  run: () => put(1, { leftovers: "adopt" }),
  async check({ disk, finished }) {
    whereForeignIs(disk);
    const version = await found();
    assert.equal(seenByOthers(disk), version);
    if (finished) assert.equal(version, 1);
    await put(2, { leftovers: "adopt" });
    assert.match(whereForeignIs(disk), /quarantine/);
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
