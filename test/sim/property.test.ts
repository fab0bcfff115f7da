/** Random requests: what was synced survives every power loss, whatever happened around it. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { SimDisk } from "holdfast/sim";
import type { IoSync } from "../../dist/io/io.js";

const NAMES = ["/d/a", "/d/b", "/e/a", "/e/b"];

type Action =
  | { readonly do: "link"; readonly from: string; readonly to: string }
  | { readonly do: "rename"; readonly from: string; readonly to: string }
  | { readonly do: "sync"; readonly name: string }
  | { readonly do: "unlink"; readonly name: string }
  | { readonly do: "syncDir"; readonly dir: string }
  | {
      readonly do: "write";
      readonly name: string;
      readonly length: number;
      readonly position: number;
      readonly letter: string;
    };

const name = fc.constantFrom(...NAMES);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    name,
    length: fc.integer({ min: 1, max: 9000 }),
    position: fc.integer({ min: 0, max: 9000 }),
    letter: fc.constantFrom("x", "y", "z"),
  }),
  fc.record({ do: fc.constantFrom("link" as const, "rename" as const), from: name, to: name }),
  fc.record({ do: fc.constantFrom("sync" as const, "unlink" as const), name }),
  fc.record({ do: fc.constant("syncDir" as const), dir: fc.constantFrom("/d", "/e") }),
);

function namesOf(step: Action): readonly string[] {
  if (step.do === "link" || step.do === "rename") return [step.from, step.to];
  return step.do === "syncDir" ? [] : [step.name];
}

function perform(io: IoSync, step: Action): void {
  const onFile = (path: string, use: (file: ReturnType<IoSync["open"]>) => void): void => {
    const file = io.open(path, io.lstat(path) ? "edit" : "create");
    use(file);
    io.close(file);
  };
  try {
    if (step.do === "write")
      onFile(step.name, (file) => io.write(file, new TextEncoder().encode(step.letter.repeat(step.length)), step.position));
    else if (step.do === "sync") onFile(step.name, (file) => io.syncFile(file));
    else if (step.do === "unlink") io.unlink(step.name);
    else if (step.do === "syncDir") io.syncDir(step.dir);
    else io[step.do](step.from, step.to);
  } catch (error) {
    assert.ok(["EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? ""), String(error));
  }
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
