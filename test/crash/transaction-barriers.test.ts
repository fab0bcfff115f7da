/** Negative controls of a transaction: each of its barriers is left out alone, and the sweep must fail. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { onDisk, SimDisk, sweep } from "holdfast/sim";
import { currentMachine } from "../../dist/io/current.js";
import { deep } from "../support/deep.ts";
import { leavingOut, withMachine, wrapped } from "../support/machines.ts";
import { expectAllOrNothing, perform, put, TINY, useRoot } from "../support/transactions.ts";

const without = (nth: number, places: string[] = []): Promise<unknown> =>
  withMachine(wrapped(leavingOut(nth, places), currentMachine()), () => perform(TINY));

/**
 * What is there is durable when these sweeps begin; a record that comes back changes nothing that nobody else has changed; and here
 * nothing more is done in the root after the rename was made durable.
 */
const NEEDLESS = /^(what was there|the record is removed|what was touched, once more)/;

/** In the order in which they come; which they are, the next test checks. */
const BARRIERS: readonly (readonly [place: string, what: string])[] = [
  ["a file", "new content"],
  ["/app/.holdfast-dir-ID", "its name"],
  ["a file", "what was there: the renamed file"],
  ["/app/a", "what was there: names"],
  ["a file", "the record"],
  ["/app", "what the record is about"],
  ["/app", "the name of the record"],
  ["/app", "the new name of what was renamed"],
  ["/app", "what was touched, once more"],
  ["/app/a", "what was touched"],
  ["/app", "the record is removed"],
];

it("a transaction has these barriers", async () => {
  const places: string[] = [];
  const disk = new SimDisk();
  put(TINY.old)(disk);
  await onDisk(disk, () => without(0, places));
  assert.deepEqual(
    places,
    BARRIERS.map(([place]) => place),
  );
});

for (const [index, [place, what]] of BARRIERS.entries()) {
  if (NEEDLESS.test(what) || (!deep && index !== 6)) continue;
  it(`without barrier ${index + 1}, ${place}, ${what}: something breaks`, async () => {
    const { violations } = await sweep({
      setup: put(TINY.old),
      depth: 1,
      untilFirst: true,
      run: () => without(index + 1),
      recover: useRoot,
      check: ({ disk, finished }) => expectAllOrNothing(disk, finished, TINY),
    });
    assert.ok(violations > 0, "nobody would notice");
  });
}
