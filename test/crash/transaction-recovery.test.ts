/** What becomes of a transaction that was interrupted, when others were there before its recovery. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHoldfastError, stageDirectory, writeFile } from "holdfast";
import { diagnose } from "holdfast/doctor";
import { type Fault, onDisk, SimDisk } from "holdfast/sim";
import { recover, transaction } from "holdfast/tx";
import { expectNoneLeft, oursOn, perform, put, ROOT, SMALL, treeOf, useRoot } from "../support/transactions.ts";

/** A disk on which a process died in the middle of {@link SMALL}: from there on nothing of this kind worked any more. */
async function interrupted(fault: Fault): Promise<SimDisk> {
  const disk = new SimDisk();
  put(SMALL.old)(disk);
  const process = disk.process({ faults: [{ ...fault, times: Number.POSITIVE_INFINITY, errno: "EIO" }] });
  const outcome = await process.run(() => perform(SMALL).catch((error: unknown) => error));
  assert.ok(isHoldfastError(outcome) && outcome.outcome === "unknown", String(outcome));
  process.kill();
  return disk;
}

/** The log is renamed; nothing else is done. */
const AFTER_RENAME: Fault = { op: "rename", path: `${ROOT}/.holdfast-dir-*/1`, errno: "EIO" };
/** Nothing is done, but the record is there. */
const AT_FIRST: Fault = { op: "makeDir", path: `${ROOT}/c`, errno: "EIO" };
const partsOn = (disk: SimDisk): string[] => [...new Set(oursOn(disk).map(({ part }) => part))].sort();
const ourPath = (disk: SimDisk, part: string): string => oursOn(disk).find((one) => one.part === part)?.path ?? "";

describe("an interrupted transaction", () => {
  it("is completed by the next one in the root, by recover, by the doctor, and by a directory that is staged there", async () => {
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      transaction: useRoot,
      recover: () => recover(ROOT),
      doctor: () => diagnose(ROOT, { repair: true }),
      stageDirectory: async () => (await stageDirectory(`${ROOT}/other`)).discard(),
    };
    for (const [way, use] of Object.entries(ways)) {
      const disk = await interrupted(AFTER_RENAME);
      await onDisk(disk, use);
      assert.deepEqual(treeOf(disk), SMALL.changed, way);
      assert.deepEqual(partsOn(disk), [], way);
      await onDisk(disk, useRoot);
      expectNoneLeft(disk);
    }
  });

  it("is told of: by recover, and by the doctor, who changes nothing unless asked", async () => {
    const disk = await interrupted(AFTER_RENAME);
    const before = disk.tree();
    const findings: string[] = [];
    await onDisk(disk, () =>
      diagnose(ROOT, { onFinding: ({ kind, state, text }) => findings.push(`${kind} ${state}: ${text}`) }),
    );
    assert.deepEqual(disk.tree(), before);
    assert.ok(
      findings.includes(
        "interrupted-commit dead: its owner has died in the commit of a transaction of 7 steps: it is to be finished",
      ),
      findings.join("\n"),
    );
    assert.ok(
      findings.some((one) => one.startsWith("claims idle")),
      findings.join("\n"),
    );
    const { actions, liveCount } = await onDisk(disk, () => recover(ROOT));
    assert.deepEqual(
      { actions, liveCount },
      { actions: [{ action: "completed", path: ROOT, superseded: [], kept: [] }], liveCount: 0 },
    );
    assert.deepEqual(await onDisk(disk, () => recover(ROOT)), { actions: [], liveCount: 0 });
  });

  it("keeps what a plain writeFile has written meanwhile, and says so", async () => {
    for (const name of ["a/one", "a/log", "b/log.1", "b/gone", "c/d/two"]) {
      const disk = await interrupted(AT_FIRST);
      await onDisk(disk, () => writeFile(`${ROOT}/${name}`, "later", { parents: true }));
      const { actions } = await onDisk(disk, () => recover(ROOT));
      assert.equal(treeOf(disk)[name], "later", name);
      const [action] = actions;
      assert.ok(
        action?.action === "completed" && action.superseded.length > 0 === (name !== "b/gone"),
        `${name}: ${JSON.stringify(action)}`,
      );
      const texts = Object.values(disk.tree());
      for (const text of ["new", "2", "two"]) assert.ok(texts.includes(text), `${name}: ${text} is lost`);
      const left = partsOn(disk);
      assert.ok(
        left.every((part) => part === "quarantine"),
        left.join(),
      );
    }
  });

  it("keeps what was written into a directory that is to be removed, or in the place of one", async () => {
    const disk = await interrupted({ op: "unlink", path: `${ROOT}/b/gone`, errno: "EIO" });
    await onDisk(disk, () => writeFile(`${ROOT}/b/more`, "later"));
    const { sync } = disk.process();
    sync.unlink(`${ROOT}/a/one`);
    await onDisk(disk, useRoot);
    assert.deepEqual(treeOf(disk), { "a/log": "2", "b/log.1": "1", "b/more": "later", "c/d/two": "two" });
    const other = await interrupted(AFTER_RENAME);
    const process = other.process();
    for (const name of ["a/one"]) process.sync.unlink(`${ROOT}/${name}`);
    process.sync.removeDir(`${ROOT}/a`);
    other.writeFile(`${ROOT}/a`, "a file now");
    await onDisk(other, useRoot);
    assert.deepEqual(treeOf(other), { a: "a file now", "b/log.1": "1", "c/d/two": "two" });
    assert.ok(Object.values(other.tree()).includes("2"), "what found no place is kept");
  });

  it("is in the way of one that is about the same paths only while it can't be completed, and of nothing else", async () => {
    const disk = await interrupted(AFTER_RENAME);
    const faults = [
      { op: "rename", path: `${ROOT}/.holdfast-dir-*/1`, times: Number.POSITIVE_INFINITY, errno: "EACCES" },
    ] as const;
    const helpless = disk.process({ faults });
    const use = (name: string): Promise<unknown> => helpless.run(() => transaction(ROOT, (tx) => void tx.read(name)));
    await use("d");
    await assert.rejects(use("a/one"), (error) => isHoldfastError(error, "PERMISSION") && error.outcome === "unchanged");
    await onDisk(disk, () => transaction(ROOT, (tx) => void tx.write("a/one", "after it")));
    assert.deepEqual(treeOf(disk), { ...SMALL.changed, "a/one": "after it" });
    expectNoneLeft(disk);
  });

  it("is not published if its content has rotted; the doctor puts it aside", async () => {
    const disk = await interrupted(AFTER_RENAME);
    const { sync } = disk.process();
    const staged = Object.keys(disk.tree()).find((at) => /holdfast-dir-.*\/1$/.test(at)) ?? "";
    sync.write(sync.open(staged, "edit"), new TextEncoder().encode("#"), 0);
    const rotten = treeOf(disk);
    const { actions } = await onDisk(disk, () => recover(ROOT));
    assert.deepEqual(
      actions.map(({ action }) => action),
      ["failed"],
    );
    const refused = await onDisk(disk, () => transaction(ROOT, (tx) => void tx.read("a/one")).catch((error: unknown) => error));
    assert.ok(isHoldfastError(refused, "CORRUPT_JOURNAL"), String(refused));
    assert.deepEqual(treeOf(disk), rotten);
    await onDisk(disk, () => diagnose(ROOT, { repair: true }));
    assert.deepEqual(partsOn(disk), ["quarantine", "quarantine-journal"]);
    await onDisk(disk, () => transaction(ROOT, (tx) => void tx.write("a/one", "goes on")));
    assert.equal(treeOf(disk)["a/one"], "goes on");
    assert.ok(ourPath(disk, "quarantine"));
  });

  it("that has left its claims half written is in the way of nobody", async () => {
    const disk = await interrupted(AFTER_RENAME);
    const claims = Object.keys(disk.tree()).find((at) => /claims\/[0-9a-z]{26}$/.test(at)) ?? "";
    const { sync } = disk.process();
    sync.truncate(sync.open(claims, "edit"), 5);
    await onDisk(disk, () => transaction(ROOT, (tx) => void tx.write("x", "X")));
    assert.deepEqual(treeOf(disk), { ...SMALL.changed, x: "X" });
    expectNoneLeft(disk);
  });
});
