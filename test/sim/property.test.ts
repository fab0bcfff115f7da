/** Random requests: what was synced survives every power loss, whatever happened around it. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { SimDisk } from "holdfast/sim";
import { type Action, action, NAMES, perform } from "./actions.ts";

function namesOf(step: Action): readonly string[] {
  if (step.do === "link" || step.do === "rename") return [step.from, step.to];
  return step.do === "syncDir" ? [] : [step.name];
}

const seed = Number(process.env["HOLDFAST_SEED"] ?? Date.now() % 2 ** 31);

it(`what is synced survives (seed ${seed})`, () => {
  const property = fc.property(fc.array(action, { maxLength: 12 }), fc.array(action, { maxLength: 3 }), (before, since) => {
    const disk = new SimDisk();
    disk.makeDir("/d");
    disk.makeDir("/e");
    const io = disk.process().sync;
    for (const step of before) perform(io, step);
    for (const path of NAMES.filter((path) => io.lstat(path))) perform(io, { do: "sync", name: path });
    for (const dir of ["/d", "/e"]) io.syncDir(dir);
    const synced = disk.tree();
    assert.deepEqual(
      [...disk.powerLossStates()].map((state) => state.tree()),
      [synced],
      "nothing is pending",
    );

    for (const step of since) perform(io, step);
    const now = disk.tree();
    const states = [...disk.powerLossStates()].map((state) => state.tree());
    const has = (tree: Record<string, string>): boolean => states.some((state) => JSON.stringify(state) === JSON.stringify(tree));
    assert.ok(has(now), "a power loss may lose nothing");
    // What nobody has touched since is as it was.
    const touched = new Set(since.flatMap(namesOf));
    if (touched.size === 0) assert.equal(states.length, 1);
    for (const state of states) {
      for (const path of NAMES.filter((path) => !touched.has(path) && synced[path] === now[path]))
        assert.equal(state[path], synced[path], path);
    }
  });
  fc.assert(property, { seed, numRuns: 100 });
});
