/** Whatever fails in a transaction, the error says what is on the disk, and nothing is left lying about. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { faultSweep } from "holdfast/sim";
import { deep } from "../support/deep.ts";
import { CHANGES, type Change, perform, put, treeOf, useRoot } from "../support/transactions.ts";

/** What every run of the tests has time for. */
const ONE: Change = { old: {}, change: (tx) => tx.write("a", "A"), changed: { a: "A" } };

for (const [name, change] of Object.entries(deep ? CHANGES : { "one file": ONE })) {
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
