/** Whatever crashes, a tile set is absent, or the old or the new version whole, and writing it again just succeeds. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writeFile } from "holdfast";
import { interleave, onDisk, type SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { repairTileSet } from "holdfast/tiles";
import { lockNote } from "../../dist/format/lock-note.js";
import { deep, needsWide, wide } from "../support/deep.ts";
import { found, GTI, INDEX, put, seenByOthers } from "../support/tile-sets.ts";

/** With a lock file: what a crash makes of a new one is of no interest here. */
const empty = (disk: SimDisk): void => disk.writeFile(`${INDEX}.lock`, lockNote(undefined));
const withFirst = async (disk: SimDisk): Promise<void> => {
  empty(disk);
  await onDisk(disk, () => put(1));
};

/** Both kinds of readers see one of these versions, the newest if it was acknowledged. */
async function expectOneOf(
  versions: readonly number[],
  disk: SimDisk,
  newest: number,
  isAcknowledged: boolean,
  index = INDEX,
): Promise<void> {
  const [ours, theirs] = [await found(index), seenByOthers(disk, index)];
  assert.equal(ours, theirs);
  assert.ok(versions.includes(ours), `version ${ours}`);
  if (isAcknowledged) assert.equal(ours, newest);
}

const first: SweepOptions = {
  setup: empty,
  run: () => put(1),
  check: ({ disk, finished }) => expectOneOf([0, 1], disk, 1, finished),
};
const second: SweepOptions = {
  setup: withFirst,
  run: () => put(2),
  check: ({ disk, finished }) => expectOneOf([1, 2], disk, 2, finished),
};
const tileIndex: SweepOptions = {
  async setup(disk) {
    disk.writeFile(`${GTI}.lock`, lockNote(undefined));
    await onDisk(disk, () => put(1, {}, GTI));
  },
  run: () => put(2, {}, GTI),
  check: ({ disk, finished }) => expectOneOf([1, 2], disk, 2, finished, GTI),
};
const WAYS: Record<string, SweepOptions> = {
  "a first version": first,
  "a second version": second,
  "a second version with a raster tile index": tileIndex,
};

for (const [name, options] of Object.entries(WAYS)) {
  it(`RAS-02, RAS-03: ${name} is there whole or not at all after any crash`, async (t) => {
    for (const profile of wide ? (["strict", "paranoid"] as const) : (["strict"] as const)) {
      const { violations, states, text } = await sweep({ ...options, profile });
      assert.equal(violations, 0, text);
      assert.ok(states >= 20, text);
      t.diagnostic(text);
    }
  });
}

it("RAS-02: the same call succeeds after any crash, and removes what was left", async (t) => {
  const { violations, states, text } = await sweep({
    ...second,
    depth: 1,
    async recover() {
      await put(3);
    },
    async check({ disk }) {
      assert.equal(await found(), 3);
      const left = Object.keys(disk.tree()).filter((path) => /_tiles\.[^/]*\/$/.test(path));
      assert.equal(left.length, 1, left.join(" "));
    },
  });
  assert.equal(violations, 0, text);
  assert.ok(states > 50, text);
  t.diagnostic(text);
});

it("RAS-02: a crash in that call leaves one whole version, too", {
  skip: needsWide,
}, async (t) => {
  const { violations, states, text } = await sweep({
    ...first,
    recover: () => put(2, { tileSize: 4 }),
    check: ({ disk }) => expectOneOf([0, 1, 2], disk, 2, false),
  });
  assert.equal(violations, 0, text);
  assert.ok(states > 500, text);
  t.diagnostic(text);
});

it("RAS-11: a repair after any crash leaves what was acknowledged, or the version before, also if the index is lost", async (t) => {
  const { violations, text } = await sweep({
    ...second,
    async check({ finished }) {
      const before = await found();
      await repairTileSet(INDEX);
      assert.equal(await found(), before);
      await writeFile(INDEX, "");
      await repairTileSet(INDEX);
      const rebuilt = await found();
      assert.equal(rebuilt, before);
      if (finished) assert.equal(rebuilt, 2);
    },
  });
  assert.equal(violations, 0, text);
  t.diagnostic(text);
});

describe("the sweep would see it", () => {
  for (const sabotage of ["no-file-sync", "no-directory-sync", "rename-before-sync"] as const) {
    it(`a second version fails under ${sabotage}`, async () => {
      assert.ok((await sweep({ ...second, sabotage, untilFirst: true })).violations > 0);
    });
  }
});

it("RAS-04: a reader finds one whole version in every order of its requests and those of a writer that removes the old one", async (t) => {
  const { violations, text } = await interleave({
    setup: withFirst,
    programs: [() => put(2), async ({ acknowledge }) => acknowledge(await found())],
    check: async ({ acknowledged, endings }) => {
      const [read] = acknowledged[1] ?? [];
      for (const ending of endings) assert.equal(ending.status, "fulfilled", JSON.stringify(ending));
      assert.ok(read === 1 || read === 2, `version ${read}`);
      assert.equal(await found(), 2);
    },
    statesMax: deep ? 2_000 : 100,
  });
  assert.equal(violations, 0, text);
  t.diagnostic(text);
});
