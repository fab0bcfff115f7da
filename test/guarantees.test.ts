/** docs/GUARANTEES.md tells of every operation that the tiers know: one that was added, and not run, makes it stale. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { builtinSweeps } from "holdfast/sim";
import { PROTOCOLS } from "../dist/cli/kernel/protocols.js";
import { ROOT } from "./package/npm.ts";
import { SCENARIOS } from "./tiers/kill/scenarios.ts";

function resultsOf<T>(tier: string): T {
  return JSON.parse(fs.readFileSync(path.join(ROOT, "test/tiers/results", `${tier}.json`), "utf8")) as T;
}

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

describe("the results behind docs/GUARANTEES.md", () => {
  it("have every sweep of holdfast prove", () => {
    const { results } = resultsOf<{ results: { name: string; ok: boolean }[] }>("prove");
    assert.deepEqual(sorted(results.map(({ name }) => name)), sorted(builtinSweeps.map(({ name }) => name)));
    assert.ok(results.every(({ ok }) => ok));
  });

  it("have every operation of the kill tier", () => {
    const { operations } = resultsOf<{ operations: { operation: string }[] }>("kill");
    assert.deepEqual(sorted(operations.map(({ operation }) => operation)), sorted(SCENARIOS.map(({ name }) => name)));
  });

  it("have every protocol of the kernel tier, on every file system", () => {
    const { trials } = resultsOf<{ trials: { protocol: string; fileSystem: string }[] }>("kernel");
    for (const fileSystem of ["ext4", "xfs", "btrfs"]) {
      const tried = trials.filter((trial) => trial.fileSystem === fileSystem).map(({ protocol }) => protocol);
      assert.deepEqual(sorted(tried), sorted(PROTOCOLS.map(({ name }) => name)), fileSystem);
    }
  });
});
