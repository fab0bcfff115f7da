/** Whatever fails in a transaction, the error says what is on the disk, and nothing is left lying about. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { faultSweep } from "holdfast/sim";
import { CHANGES, perform, put, treeOf, useRoot } from "../support/transactions.ts";

for (const [name, change] of Object.entries(CHANGES)) {
  it(`${name}: every request fails in every way`, async () => {
    const { violations, cases, requests, text } = await faultSweep({
      setup: put(change.old),
      run: () => perform(change),
      recover: useRoot,
      observe: treeOf,
    });
    assert.equal(violations, 0, text);
    assert.ok(cases > requests, text);
  });
}
