/**
 * Processes that are killed in the middle of writing, 30 times. The small form: the simulator visits every state,
 * `npm run test:kill` kills more of them, and `holdfast demo` shows a long storm.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { needsLinux } from "../support/needs.ts";
import { seeded } from "../support/seeded.ts";
import { storm } from "../support/storm.ts";
import { tempDir } from "../support/temp-dir.ts";

const KILLS = 30;

test(`after each of ${KILLS} kills all files are whole, and never older than what was acknowledged`, async (t) => {
  const { kills, written, inside, violations } = await storm({ dir: tempDir(t), kills: KILLS, random: seeded(t) });
  t.diagnostic(`${written} versions were written, ${inside} of ${kills} kills were inside one`);
  // Leftovers are removed at once only where a kernel lock proves that their writer is dead.
  const leaves = (violation: string): boolean => Boolean(needsLinux) && violation.includes("left behind");
  assert.deepEqual(
    violations.filter((violation) => !leaves(violation)),
    [],
  );
  assert.equal(kills, KILLS);
});
