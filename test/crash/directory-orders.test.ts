/** Owners, sweepers and recoverers of staged directories at once, in every order of their requests. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { stageDirectory } from "holdfast";
import { type InterleavedState, type InterleaveOptions, interleave, type SimDisk, type SimDiskOptions } from "holdfast/sim";
import { publishAtOnce } from "../../dist/core/publish-tree.js";
import { createTree, endTree } from "../../dist/core/staged-tree.js";
import { sweepDead } from "../../dist/core/sweep.js";
import { newId, ourName } from "../../dist/format/names.js";
import { currentMachine } from "../../dist/io/current.js";
import { close, open, type Program } from "../../dist/io/program.js";
import { run } from "../../dist/io/run.js";
import { deep, needsWide } from "../support/deep.ts";
import { contentOf, DIR, expectNothingLeft, put } from "../support/directories.ts";

const sweepApp = (): Promise<unknown> => run(sweepDead("/app"), currentMachine().io);

/** Publishes a directory with one file, which has this text. */
const publishing = (text: string) => async (): Promise<void> => {
  const staged = await stageDirectory(DIR, { replace: true });
  await staged.writeFile("a", text);
  await staged.commit();
};

async function expectSound(options: InterleaveOptions): Promise<void> {
  const { violations, complete, text } = await interleave(options);
  assert.equal(violations, 0, text);
  assert.ok(complete, text);
}

const oneOf =
  (...texts: string[]) =>
  ({ disk, endings }: InterleavedState): void => {
    for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
    assert.ok(texts.includes(contentOf(disk)?.["a"] ?? ""), JSON.stringify(contentOf(disk)));
    assert.equal(Object.keys(contentOf(disk) ?? {}).length, 1);
    expectNothingLeft(disk);
  };

const BY: Record<string, SimDiskOptions> = { exchange: {}, ...(deep ? { "two steps": { exchanges: false } } : {}) };

for (const [way, disk] of Object.entries(BY)) {
  it(`an owner and a sweeper, by ${way}: what a live one has is never taken`, () =>
    expectSound({ disk, setup: put({ a: "old" }), programs: [publishing("A"), sweepApp], check: oneOf("A") }));
}

/** The core of it, without all that each owner does for itself. */
const exchanging = (name: string) => async (): Promise<void> => {
  const body = function* (): Program<void> {
    const staged = yield* createTree("/app", { mode: undefined, existing: undefined });
    yield* close(yield* open(`${staged.path}/${name}`, "create"));
    yield* publishAtOnce(staged, { dir: "/app", name: "site", path: DIR }, { replace: true, barrier: true });
    yield* endTree(staged, false);
  };
  await run(body(), currentMachine().io);
};

it("two owners, by exchange: one of the two, whole", () =>
  expectSound({
    setup: put({ old: "" }),
    programs: [exchanging("a"), exchanging("b")],
    check({ disk, endings }) {
      for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
      assert.ok(["a", "b"].includes(Object.keys(contentOf(disk) ?? {}).join()), JSON.stringify(contentOf(disk)));
      expectNothingLeft(disk);
    },
  }));

/** What a process has left that was killed after so many requests, in the middle of a swap in two steps. */
async function deadInGap(disk: SimDisk): Promise<void> {
  put({ a: "old" })(disk);
  // Two tries in one step, the record, the old one aside; then nothing can be moved any more, back neither.
  const process = disk.process({ faults: [{ op: "rename", nth: 5, times: Number.POSITIVE_INFINITY, errno: "EIO" }] });
  await process.run(publishing("A")).catch(() => {});
  process.kill();
}

it("two recoverers of one commit: it is finished once", { skip: needsWide }, () =>
  expectSound({
    disk: { exchanges: false },
    setup: deadInGap,
    programs: [sweepApp, sweepApp],
    check: oneOf("A"),
  }),
);

it("two sweepers of one dead directory", () =>
  expectSound({
    setup(disk) {
      put({ a: "old" })(disk);
      disk.writeFile(`/app/${ourName("life", newId(new Uint8Array(16)))}`, "");
      disk.writeFile(`/app/${ourName("dir", newId(new Uint8Array(16)))}/sub/file`, "dead");
    },
    programs: [sweepApp, sweepApp],
    check: oneOf("old"),
  }));
