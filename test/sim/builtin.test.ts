/** The sweeps of `holdfast prove`: the sound ones find nothing, the broken ones fail. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { builtinSweeps, runBuiltinSweeps } from "holdfast/sim";

for (const profile of ["strict", "paranoid"] as const) {
  it(`the built-in sweeps hold under the profile ${profile}`, async () => {
    const told: string[] = [];
    const results = await runBuiltinSweeps(({ name }) => void told.push(name), { profile });
    for (const { name, ok, report } of results) assert.ok(ok, `${name}: ${report.text}`);
    assert.deepEqual(
      told,
      builtinSweeps.filter(({ options }) => (options.profile ?? profile) === profile).map(({ name }) => name),
    );
    assert.ok(results.filter(({ expectViolations }) => expectViolations).length >= 5);
    const states = results.reduce((sum, { report }) => sum + report.states, 0);
    assert.ok(states > 300, `only ${states} states`);
  });
}
