/** Negative controls of a directory's commit: each of its barriers is left out alone, and the sweep must fail. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { onDisk, SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { currentMachine } from "../../dist/io/current.js";
import { deep, needsWide } from "../support/deep.ts";
import { expectNothingLeft, expectOldOrNew, publish, put, useBeside, WAYS } from "../support/directories.ts";
import { leavingOut, withMachine, wrapped } from "../support/machines.ts";

const without = (nth: number, places: string[] = []): Promise<unknown> =>
  withMachine(wrapped(leavingOut(nth, places), currentMachine()), () => publish());

/** A record that comes back is carried out again, which changes nothing, unless others have written meanwhile. */
const LAST = "the sync after the record was removed";
/** What is there is durable when these sweeps begin: see the next test. */
const OLD_FILES = "the syncs of what is replaced";

const NEEDLESS: Record<string, Readonly<Record<string, string>>> = {
  "an existing target, by exchange": {},
  "an existing target, in two steps": { "10: /app": LAST },
  "an existing target, file by file": {
    "5: a file": OLD_FILES,
    "6: a file": OLD_FILES,
    "7: /app/site": OLD_FILES,
    "14: /app": LAST,
  },
};

for (const [name, needless] of Object.entries(NEEDLESS)) {
  const { old, disk } = WAYS[name] as (typeof WAYS)[string];
  const scenario = (nth: number): SweepOptions => ({
    setup: put(old),
    disk,
    depth: 1,
    untilFirst: true,
    run: () => without(nth),
    recover: useBeside,
    check({ disk: found, finished }) {
      expectOldOrNew(found, finished, old);
      expectNothingLeft(found, disk);
    },
  });

  const skip = name !== "an existing target, by exchange" && needsWide;
  it(`${name}: no barrier can be left out`, { skip }, async () => {
    const places: string[] = [];
    const once = new SimDisk(disk);
    put(old)(once);
    await onDisk(once, () => without(0, places));
    const unseen: string[] = [];
    for (const [index, place] of places.entries()) {
      const key = `${index + 1}: ${place}`;
      const skipped = key in needless && !deep; // to find nothing, a sweep has to look at everything
      if (skipped || (await sweep(scenario(index + 1))).violations === 0) unseen.push(key);
    }
    assert.deepEqual(unseen, Object.keys(needless));
  });
}

it("file by file over files that were just written, and never synced: old or new all the same", async () => {
  const { violations, text } = await sweep({
    setup: (disk) => disk.makeDir("/app"),
    disk: { platform: "windows" },
    depth: 1,
    async run() {
      const { io } = currentMachine();
      await io.makeDir("/app/site");
      for (const name of ["a", "gone"]) {
        const file = await io.open(`/app/site/${name}`, "create");
        await io.write(file, new TextEncoder().encode("old"), 0);
        await io.close(file);
      }
      await publish();
    },
    recover: useBeside,
    check({ disk, finished }) {
      // Before the commit nothing was durable; from its record on, all of it was.
      const { a } = Object.fromEntries(
        Object.entries(disk.tree()).map(([path, found]) => [path.slice("/app/site/".length), found]),
      );
      if (a === "new" || finished) expectOldOrNew(disk, finished, undefined);
    },
  });
  assert.equal(violations, 0, text);
});
