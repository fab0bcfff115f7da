/** Whatever crashes, a directory has its old content or its new one, whole, once Holdfast is used beside it again. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { onDisk, SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { deep, needsWide, wide } from "../support/deep.ts";
import { expectNothingLeft, expectOldOrNew, type Files, publish, put, useBeside, WAYS } from "../support/directories.ts";

type Case = (typeof WAYS)[string];

const scenario = ({ old, disk: options }: Case, changed?: Files): SweepOptions => ({
  setup: put(old),
  disk: options,
  run: () => publish(changed),
  recover: useBeside,
  check({ disk, finished }) {
    expectOldOrNew(disk, finished, old, changed);
    expectNothingLeft(disk, options);
  },
});

/** Ways of which the recovery is crashed too. What is done in those left out is done in these as well. */
const CRASHED_TWICE = [
  "an absent target",
  ...(wide ? ["an existing target, in two steps"] : []),
  ...(deep ? ["an existing target, by exchange", "an existing target, file by file", "an existing target on Windows"] : []),
];

/** Those whose steps are no other's. */
const NARROW = [
  "an absent target",
  "an existing target, by exchange",
  "an existing target, in two steps",
  "an existing target on Windows",
];

for (const [name, one] of Object.entries(WAYS)) {
  describe(name, { skip: !NARROW.includes(name) && needsWide }, () => {
    it("is published as expected", async () => {
      const disk = new SimDisk(one.disk);
      put(one.old)(disk);
      const { way, fileCount } = await onDisk(disk, () => publish());
      assert.deepEqual([way, fileCount], [one.way, 2]);
      expectOldOrNew(disk, true, one.old);
      expectNothingLeft(disk);
    });

    it("is old or new after every crash and recovery", async () => {
      const { violations, text } = await sweep({ ...scenario(one), depth: 1 });
      assert.equal(violations, 0, text);
    });

    if (CRASHED_TWICE.includes(name)) {
      it("a directory of one file: also after a crash of the recovery", async () => {
        const old = one.old && { a: "old" };
        const { violations, text } = await sweep(scenario({ ...one, old }, { a: "new" }));
        assert.equal(violations, 0, text);
      });
    }

    for (const sabotage of ["no-directory-sync", "no-file-sync"] as const) {
      it(`the sweep fails under ${sabotage}`, async () => {
        const { violations } = await sweep({ ...scenario(one), depth: 1, sabotage, untilFirst: true });
        assert.ok(violations > 0);
      });
    }
  });
}
