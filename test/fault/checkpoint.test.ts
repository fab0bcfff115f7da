/** Whatever fails while a checkpoint is changed, the error says what is on the disk, and nothing is left open. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { type FaultSweepOptions, faultSweep, onDisk, type SimDisk } from "holdfast/sim";
import { DIR, inRun, loaded, savedUpTo, stateOn } from "../support/checkpoints.ts";
import { deep } from "../support/deep.ts";

const setup = async (disk: SimDisk): Promise<void> => {
  disk.makeDir("/app");
  await onDisk(disk, () => savedUpTo(DIR, 2));
};

const WAYS: Record<string, FaultSweepOptions> = {
  save: { setup, run: () => inRun(DIR, (checkpoint) => checkpoint.save({ count: 3 }), { keep: 1 }), observe: stateOn },
  "the first save": {
    setup: (disk) => disk.makeDir("/app"),
    run: () => inRun(DIR, (checkpoint) => checkpoint.save({ count: 3 })),
    observe: stateOn,
  },
  clear: { setup, run: () => inRun(DIR, (checkpoint) => checkpoint.clear()), observe: stateOn },
  rollback: { setup, run: () => inRun(DIR, (checkpoint) => checkpoint.rollback()), observe: stateOn },
  "save, on Windows": {
    setup,
    run: () => inRun(DIR, (checkpoint) => checkpoint.save({ count: 3 }), { keep: 1 }),
    observe: stateOn,
    disk: { platform: "windows" },
  },
};

/** In npm test those that differ most. */
const tried = Object.entries(WAYS).filter(([name]) => deep || ["save", "clear"].includes(name));

for (const [name, options] of tried) {
  it(`${name}: the outcome agrees with the disk after every fault`, async (t) => {
    const { violations, cases, requests, text } = await faultSweep(options);
    assert.equal(violations, 0, text);
    assert.ok(requests >= 20 && cases > 2 * requests, text);
    t.diagnostic(text);
  });
}

it("loading changes nothing, whatever fails", async () => {
  const { violations, text } = await faultSweep({ setup, run: () => loaded(DIR), observe: stateOn });
  assert.equal(violations, 0, text);
});
