/** Whatever crashes: what a save acknowledged, or something newer, is loaded; never nothing, never an error. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { onDisk, type SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { DIR, inRun, loaded, savedUpTo, withLockFile } from "../support/checkpoints.ts";
import { deep } from "../support/deep.ts";

const PROFILES = deep ? (["strict", "paranoid", "ext4", "xfs", "btrfs"] as const) : (["strict"] as const);
/** How many are saved before the one that is crashed. */
const BEFORE = 2;

async function withSaved(disk: SimDisk): Promise<void> {
  withLockFile(disk);
  await onDisk(disk, () => savedUpTo(DIR, BEFORE));
}

/** Loads as a status page does, and then as the next run, which saves too. */
async function countAfter(): Promise<number> {
  const seen = await loaded(DIR);
  assert.equal(seen.status, "ok", "a crash is no damage");
  const count = await inRun(DIR, async (checkpoint) => {
    const found = await checkpoint.load();
    assert.ok(found.status === "ok" && seen.status === "ok" && found.state.count === seen.state.count);
    await checkpoint.save({ count: 1000 });
    return found.state.count;
  });
  const last = await loaded(DIR);
  assert.ok(last.status === "ok" && last.state.count === 1000);
  return count;
}

const saving: SweepOptions<number> = {
  setup: withSaved,
  async run({ acknowledge }) {
    await inRun(
      DIR,
      async (checkpoint) => {
        for (let count = BEFORE + 1; count <= BEFORE + (deep ? 4 : 2); count++) {
          await checkpoint.save({ count });
          acknowledge(count);
        }
      },
      { keep: 2 },
    );
  },
  async check({ acknowledged }) {
    const told = Math.max(BEFORE, ...acknowledged);
    const found = await countAfter();
    assert.ok(found === told || found === told + 1, `${told} was acknowledged, ${found} is there`);
  },
};

const WAYS: Record<string, SweepOptions<number>> = {
  "CKP-01 CKP-02 save": saving,
  "CKP-02 save of a state of several blocks": {
    ...saving,
    async run({ acknowledge }) {
      await inRun(DIR, async (checkpoint) => {
        await checkpoint.save({ count: BEFORE + 1, text: "0123456789abcdef".repeat(640) });
        acknowledge(BEFORE + 1);
      });
    },
  },
  "saveSoon, then flush": {
    ...saving,
    async run({ acknowledge }) {
      await inRun(DIR, async (checkpoint) => {
        for (let more = 1; more <= 3; more++) checkpoint.saveSoon({ count: BEFORE + 1 });
        await checkpoint.flush();
        acknowledge(BEFORE + 1);
      });
    },
  },
  "CKP-12 a fresh start leaves the old state until its first save": {
    ...saving,
    async run({ acknowledge }) {
      await inRun(DIR, async (checkpoint) => {
        await checkpoint.save({ count: BEFORE + 1 }); // nothing was loaded, nothing cleared
        acknowledge(BEFORE + 1);
      });
    },
  },
};

for (const [name, options] of Object.entries(WAYS)) {
  it(`${name}: what was acknowledged is loaded after every crash`, async (t) => {
    for (const profile of PROFILES) {
      const { violations, states, text } = await sweep({ ...options, profile });
      assert.equal(violations, 0, text);
      assert.ok(states >= 10, text);
      t.diagnostic(text);
    }
  });
}

it("the next run goes on from every state, and is crashed as well", async (t) => {
  const { violations, states, text } = await sweep<number>({
    ...saving,
    depth: deep ? 2 : 1,
    async run({ acknowledge }) {
      await inRun(
        DIR,
        async (checkpoint) => {
          await checkpoint.save({ count: BEFORE + 1 });
          acknowledge(BEFORE + 1);
        },
        { keep: 1 },
      );
    },
    async recover({ acknowledge }) {
      await inRun(
        DIR,
        async (checkpoint) => {
          const found = await checkpoint.load();
          const count = found.status === "absent" ? 0 : found.state.count;
          await checkpoint.save({ count: count + 100 });
          acknowledge(count + 100);
        },
        { keep: 1 },
      );
    },
    async check({ acknowledged }) {
      const found = await countAfter();
      assert.ok(found >= Math.max(BEFORE, ...acknowledged), `${acknowledged} was acknowledged, ${found} is there`);
    },
  });
  assert.equal(violations, 0, text);
  assert.ok(states > (deep ? 50 : 10), text);
  t.diagnostic(text);
});

describe("clear and rollback", () => {
  it("after every crash of clear the old state is there, or none; and then none for ever", async () => {
    const { violations, states, text } = await sweep({
      setup: withSaved,
      run: () => inRun(DIR, (checkpoint) => checkpoint.clear()),
      async check({ finished }) {
        const found = await loaded(DIR);
        if (found.status !== "absent") assert.deepEqual([found.status, found.state, finished], ["ok", { count: BEFORE }, false]);
        else assert.ok(found.clearedAt !== undefined);
      },
    });
    assert.equal(violations, 0, text);
    assert.ok(states >= 10, text);
  });

  it("after every crash of rollback the newer state is there, or the older one", async () => {
    const { violations, states, text } = await sweep({
      setup: withSaved,
      run: () => inRun(DIR, (checkpoint) => checkpoint.rollback()),
      async check({ finished }) {
        const found = await loaded(DIR);
        assert.ok(found.status === "ok");
        assert.equal(found.state.count, finished || found.generation > BEFORE ? BEFORE - 1 : BEFORE);
      },
    });
    assert.equal(violations, 0, text);
    assert.ok(states >= 10, text);
  });
});

describe("the sweep would see it", () => {
  for (const sabotage of ["no-file-sync", "no-directory-sync"] as const) {
    it(`a save fails under ${sabotage}`, async () => {
      assert.ok((await sweep({ ...saving, sabotage, untilFirst: true })).violations > 0);
    });
  }

  it("a run that removes before it saves", async () => {
    const broken: SweepOptions<number> = {
      ...saving,
      async run() {
        await inRun(DIR, (checkpoint) => checkpoint.clear()); // --fresh that forgets at once
        await inRun(DIR, (checkpoint) => checkpoint.save({ count: BEFORE + 1 }));
      },
    };
    assert.ok((await sweep({ ...broken, untilFirst: true })).violations > 0);
  });
});
