/** Whatever fails while a directory is published, the error says what is on the disk, and nothing is left lying about. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { faultSweep } from "holdfast/sim";
import { contentOf, publish, put, useBeside, WAYS } from "../support/directories.ts";

for (const [name, { old, disk }] of Object.entries(WAYS)) {
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
