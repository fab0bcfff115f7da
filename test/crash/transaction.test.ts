/** Transactions that are crashed at every moment, and in their recovery. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHoldfastError } from "holdfast";
import { type SimDiskOptions, sweep } from "holdfast/sim";
import { recover } from "holdfast/tx";
import { deep } from "../support/deep.ts";
import {
  CHANGES,
  expectAllOrNothing,
  expectNoneLeft,
  expectWholeFiles,
  LARGE,
  perform,
  put,
  ROOT,
  TINY,
  useRoot,
} from "../support/transactions.ts";

const DISKS: Readonly<Record<string, SimDiskOptions>> = { POSIX: {}, ...(deep ? { Windows: { platform: "windows" } } : {}) };

/** Renames before the first move: a look at each directory, and the record. */
const LARGE_LOOKS = 9;

for (const [system, disk] of Object.entries(DISKS)) {
  describe(`a transaction that is crashed, on ${system}`, () => {
    for (const [name, change] of Object.entries(CHANGES)) {
      it(`${name}: all or nothing after the next one, also after a crash in that`, async () => {
        const { violations, text } = await sweep({
          setup: put(change.old),
          disk,
          depth: deep && change !== LARGE ? 2 : 1,
          run: () => perform(change),
          recover: useRoot,
          check({ disk: found, finished }) {
            expectAllOrNothing(found, finished, change);
            expectNoneLeft(found, disk);
          },
        });
        assert.equal(violations, 0, text);
      });

      it(`${name}: each file is whole before anybody has recovered`, { skip: !deep && "deep only" }, async () => {
        const { violations, text } = await sweep({
          setup: put(change.old),
          disk,
          run: () => perform(change),
          check: ({ disk: found }) => expectWholeFiles(found, change),
        });
        assert.equal(violations, 0, text);
      });
    }
  });
}

it("recover() does the same, and can be crashed", { skip: !deep && "deep only" }, async () => {
  const { violations, text } = await sweep({
    setup: put(TINY.old),
    run: () => perform(TINY),
    depth: deep ? 3 : 1,
    recover: () => recover(ROOT),
    check({ disk, finished }) {
      expectAllOrNothing(disk, finished, TINY);
      expectNoneLeft(disk);
    },
  });
  assert.equal(violations, 0, text);
});

/** It is too large for a crash of each recovery from each crash; these are recoveries from some, each in full. */
for (const nth of deep ? [2, 12, 22] : []) {
  it(`the recovery of a large one that was interrupted at move ${nth}, crashed itself`, async () => {
    const { violations, text } = await sweep({
      async setup(disk) {
        put(LARGE.old)(disk);
        const fault = { op: "rename", nth: nth + LARGE_LOOKS, times: Number.POSITIVE_INFINITY, errno: "EIO" } as const;
        const process = disk.process({ faults: [fault] });
        await process.run(() => assert.rejects(perform(LARGE), (error) => isHoldfastError(error) && error.outcome === "unknown"));
        process.kill();
      },
      run: () => recover(ROOT),
      recover: () => recover(ROOT),
      depth: 1,
      check({ disk }) {
        expectAllOrNothing(disk, true, LARGE);
        expectNoneLeft(disk);
      },
    });
    assert.equal(violations, 0, text);
  });
}
