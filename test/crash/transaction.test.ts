/** Transactions that are crashed at every moment, and in their recovery. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SimDiskOptions, sweep } from "holdfast/sim";
import { recover } from "holdfast/tx";
import { deep } from "../support/deep.ts";
import {
  CHANGES,
  expectAllOrNothing,
  expectNoneLeft,
  expectWholeFiles,
  perform,
  put,
  ROOT,
  TINY,
  useRoot,
} from "../support/transactions.ts";

const DISKS: Readonly<Record<string, SimDiskOptions>> = { POSIX: {}, ...(deep ? { Windows: { platform: "windows" } } : {}) };

for (const [system, disk] of Object.entries(DISKS)) {
  describe(`a transaction that is crashed, on ${system}`, () => {
    for (const [name, change] of Object.entries(CHANGES)) {
      it(`${name}: all or nothing after the next one, also after a crash in that`, async () => {
        const { violations, text } = await sweep({
          setup: put(change.old),
          disk,
          depth: deep ? 2 : 1,
          run: () => perform(change),
          recover: useRoot,
          check({ disk: found, finished }) {
            expectAllOrNothing(found, finished, change);
            expectNoneLeft(found, disk);
          },
        });
        assert.equal(violations, 0, text);
      });

      it(`${name}: each file is whole before anybody has recovered`, async () => {
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

it("recover() does the same, and can be crashed", async () => {
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
