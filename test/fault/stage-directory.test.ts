/** Whatever fails while a directory is published, the error says what is on the disk, and nothing is left lying about. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { faultSweep } from "holdfast/sim";
import { deep, wide } from "../support/deep.ts";
import { contentOf, publish, put, useBeside, WAYS } from "../support/directories.ts";

/** What is done in those left out is done in these as well, on other systems. */
const SHORT = ["an absent target", "an existing target, by exchange", ...(wide ? ["an existing target, in two steps"] : [])];
const ways = Object.entries(WAYS).filter(([name]) => deep || SHORT.includes(name));

for (const [name, { old, disk }] of ways) {
  it(`${name}: every request fails in every way`, async () => {
    const { violations, cases, requests, text } = await faultSweep({
      setup: put(old),
      disk,
      run: () => publish(),
      recover: useBeside,
      observe: contentOf,
    });
    assert.equal(violations, 0, text);
    assert.ok(cases > requests, text);
  });
}
