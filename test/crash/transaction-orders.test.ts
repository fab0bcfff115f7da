/** Transactions, their recoveries, and plain writers at once, in every order of their requests. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { isHoldfastError, writeFile } from "holdfast";
import { type InterleavedState, type InterleaveOptions, interleave, type SimDisk } from "holdfast/sim";
import { recover, transaction } from "holdfast/tx";
import { createTree, discardTree } from "../../dist/core/staged-tree.js";
import { currentMachine } from "../../dist/io/current.js";
import { ensure, type Program, quietly } from "../../dist/io/program.js";
import { run } from "../../dist/io/run.js";
import { type Claims, claim, prepareClaims, release } from "../../dist/tx/claims.js";
import { deep } from "../support/deep.ts";
import { expectNoneLeft, put, ROOT, treeOf } from "../support/transactions.ts";

/** There are too many orders to look at all of them: some in each run of the tests, and the most that time allows in the deep one. */
const STATES_MAX = deep ? 20_000 : 40;

async function expectSound(options: InterleaveOptions): Promise<void> {
  const { violations, ends, text } = await interleave({ statesMax: STATES_MAX, ...options });
  assert.equal(violations, 0, text);
  assert.ok(ends > 0 || !deep, text);
}

const setup = put({ n: "0" });

const increment = (also: string) => () =>
  transaction(
    ROOT,
    async (tx) => {
      const n = Number(await tx.read("n", "utf8"));
      await tx.write("n", String(n + 1));
      await tx.write(also, "x");
    },
    { lockTimeoutMs: 100 },
  );

/** Some were refused, as it took too long in virtual time; those that were not are there. */
function expectSerialised({ disk, endings }: InterleavedState): void {
  let done = 0;
  for (const ending of endings) {
    if (ending.status === "fulfilled") done++;
    else if (ending.status === "rejected")
      assert.ok(isHoldfastError(ending.reason, "LOCKED") && ending.reason.outcome === "unchanged", String(ending.reason));
  }
  assert.equal(treeOf(disk)["n"], String(done));
  expectNoneLeft(disk);
}

it("two transactions about one file: one after the other", () =>
  expectSound({ setup, programs: [increment("a"), increment("b")], check: expectSerialised }));

it("two about different files: both, and neither waits", () =>
  expectSound({
    setup,
    programs: ["a", "b"].map((name) => () => transaction(ROOT, (tx) => void tx.write(name, name))),
    check({ disk, endings }) {
      for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
      assert.deepEqual(treeOf(disk), { n: "0", a: "a", b: "b" });
      expectNoneLeft(disk);
    },
  }));

/** The core of the exclusion: a claim, something that must not be mixed, and the end. */
const claiming = (id: string, path: string, inside: string[]) => async (): Promise<void> => {
  const body = function* (): Program<void> {
    yield* prepareClaims(ROOT);
    const staged = yield* createTree(ROOT, { mode: undefined, existing: undefined });
    const own: Claims = { root: ROOT, id: staged.id, paths: [], sizeBytes: 0, begun: false };
    const use = function* (): Program<void> {
      yield* claim(own, path, { timeoutMs: 50, notForOwn: false }, new Set());
      inside.push(id);
      assert.deepEqual(inside, [id]);
      yield* quietly(prepareClaims(ROOT)); // others go on meanwhile
      inside.splice(inside.indexOf(id), 1);
    };
    yield* ensure(use(), function* () {
      yield* release(own);
      yield* discardTree(staged);
    });
  };
  await run(body(), currentMachine().io);
};

it("two claims of one path, or of one above the other, are never held at once", async () => {
  for (const other of ["d", "d/x"]) {
    const inside: string[] = [];
    await expectSound({
      setup(disk) {
        inside.length = 0;
        setup(disk);
      },
      programs: [claiming("a", "d", inside), claiming("b", other, inside)],
      check({ endings }) {
        for (const ending of endings)
          if (ending.status === "rejected" && !isHoldfastError(ending.reason, "LOCKED")) throw ending.reason;
      },
    });
  }
});

/** What a process has left that was killed after its record was there, and one of its two files. */
async function deadInApply(disk: SimDisk): Promise<void> {
  put({ a: "old", b: "old" })(disk);
  const process = disk.process({
    faults: [{ op: "rename", path: `${ROOT}/.holdfast-dir-*/2`, times: Number.POSITIVE_INFINITY, errno: "EIO" }],
  });
  const change = transaction;
  await process
    .run(() =>
      change(ROOT, (tx) => {
        tx.write("a", "new");
        tx.write("b", "new");
      }),
    )
    .catch(() => {});
  process.kill();
  assert.deepEqual(treeOf(disk), { a: "new", b: "old" });
}

const recovering = (): Promise<unknown> => recover(ROOT);

it("two recoveries of one transaction: it is completed once", () =>
  expectSound({
    setup: deadInApply,
    programs: [recovering, recovering],
    check({ disk, endings }) {
      for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
      assert.deepEqual(treeOf(disk), { a: "new", b: "new" });
    },
  }));

it("a recovery and a transaction that reads what is recovered: it reads the end of it", () =>
  expectSound({
    setup: deadInApply,
    programs: [
      recovering,
      () => transaction(ROOT, async (tx) => void tx.write("read", (await tx.read("b")) ?? ""), { lockTimeoutMs: 100 }),
    ],
    check({ disk, endings }) {
      const [first, second] = endings;
      if (first?.status === "rejected") throw first.reason;
      if (second?.status === "rejected" && !isHoldfastError(second.reason, "LOCKED", "BUSY")) throw second.reason;
      const { read, ...rest } = treeOf(disk);
      assert.deepEqual(rest, { a: "new", b: "new" });
      if (second?.status === "fulfilled") assert.equal(read, "new");
    },
  }));

it("a recovery and a plain write of the same file: the write survives if it came first, or the file is new", () =>
  expectSound({
    setup: deadInApply,
    programs: [recovering, () => writeFile(`${ROOT}/b`, "plain")],
    check({ disk, endings }) {
      for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
      assert.equal(treeOf(disk)["a"], "new");
      assert.ok(["new", "plain"].includes(treeOf(disk)["b"] ?? ""));
    },
  }));
