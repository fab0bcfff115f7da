/** Locks on the simulated disk: two processes in every order of their requests, with kills and power loss. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { isHoldfastError, updateFile } from "holdfast";
import { acquireLock, tryLock } from "holdfast/lock";
import { type InterleavedState, type InterleaveOptions, interleave, onDisk, SimDisk } from "holdfast/sim";
import { currentMachine } from "../../dist/io/current.js";
import { deep, wide } from "../support/deep.ts";
import { openStay } from "../support/inside.ts";

const LOCK = "/app/a.lock";
const setup = (disk: SimDisk): void => disk.makeDir("/app");

async function expectSound(t: TestContext, options: InterleaveOptions): Promise<void> {
  const { violations, complete, text } = await interleave(options);
  assert.equal(violations, 0, text);
  assert.ok(complete, text);
  t.diagnostic(text);
}

function expectNoFailure({ endings }: InterleavedState): void {
  for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
}

/** Holds the lock over requests of its own, and fails if another holder shows. */
const tries =
  (shared = false) =>
  async (): Promise<string> => {
    const lock = await tryLock(LOCK, { shared });
    if (!lock) return "taken";
    if (!shared) await openStay("/app/inside", lock.previousOwnerDied);
    await lock.release();
    return lock.previousOwnerDied ? "had it after a death" : "had it";
  };
const waits = async (): Promise<string> => {
  const lock = await acquireLock(LOCK, { timeoutMs: 15 });
  await openStay("/app/inside", lock.previousOwnerDied);
  await lock.release();
  return lock.previousOwnerDied ? "had it after a death" : "had it";
};
const isLocked = (reason: unknown): boolean => isHoldfastError(reason, "LOCKED");

describe("lock programs, in every order", () => {
  it("two that try: never both at once, and at least one has it", (t) =>
    expectSound(t, {
      setup,
      programs: [tries(), tries()],
      check(state) {
        expectNoFailure(state);
        const values = state.endings.map((ending) => ending.status === "fulfilled" && ending.value);
        assert.ok(values.includes("had it"), String(values));
        assert.ok(!values.includes("had it after a death"));
        assert.match(state.disk.readText(LOCK) ?? "", /^holdfast-lock 1 free *\n$/);
      },
    }));

  it("one that waits and one that tries: never both at once", (t) =>
    expectSound(t, {
      setup,
      programs: [waits, tries()],
      check({ endings }) {
        for (const ending of endings) if (ending.status === "rejected") assert.ok(isLocked(ending.reason), String(ending.reason));
      },
    }));

  it("two that share it may have it at once", async (t) => {
    let together = 0;
    await expectSound(t, {
      setup,
      programs: [tries(true), tries(true)],
      check(state) {
        expectNoFailure(state);
        if (state.endings.every((ending) => ending.status === "fulfilled" && ending.value === "had it")) together++;
      },
    });
    assert.ok(together > 0);
  });

  it("a holder killed at any place: the other is never with it, the lock is free, and the next one is told", (t) =>
    expectSound(t, {
      setup,
      programs: [tries(), tries()],
      kills: true,
      async check({ disk, endings }) {
        for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
        const left = disk.readText(LOCK) ?? "";
        const lock = await tryLock(LOCK);
        assert.ok(lock, "the lock of a dead process is free");
        assert.equal(lock.previousOwnerDied, /"pid"/.test(left));
        if (disk.readText("/app/inside") !== undefined) assert.equal(lock.previousOwnerDied, true, "it died inside, untold");
      },
    }));

  it("power loss at any place: the lock is free", (t) =>
    expectSound(t, {
      setup,
      programs: [tries(), tries()],
      powerLoss: true,
      async check() {
        const lock = await tryLock(LOCK);
        assert.ok(lock);
      },
    }));

  it("negative control: without the lock both are inside at once", async () => {
    const { violations, text } = await interleave({
      setup,
      programs: [() => openStay("/app/inside", false), () => openStay("/app/inside", false)],
      check: expectNoFailure,
    });
    assert.ok(violations > 0, text);
  });

  it("negative control: a lock that is given to everybody is seen", async () => {
    const generous = async (): Promise<unknown> => {
      const { sync } = currentMachine();
      (sync as { takeLock: unknown }).takeLock = () => ({ lock: sync.open(LOCK, "edit"), note: "" });
      (currentMachine().io as { takeLock: unknown }).takeLock = sync.takeLock;
      return await tries()();
    };
    const { violations } = await interleave({
      setup: (disk) => disk.writeFile(LOCK, ""),
      programs: [generous, generous],
      check: expectNoFailure,
    });
    assert.ok(violations > 0);
  });
});

describe("updates, in every order", () => {
  const increment = (): Promise<unknown> =>
    updateFile("/app/count", (old) => String(Number(new TextDecoder().decode(old)) + 1), {
      durability: "volatile",
      lockTimeoutMs: 2,
    });

  it("of two processes: none is lost", { timeout: 120_000 }, async (t) => {
    const { violations, text, ends } = await interleave({
      setup: (disk) => disk.writeFile("/app/count", "0"),
      programs: [increment, increment],
      statesMax: deep ? 20_000 : wide ? 4_000 : 1_500,
      check({ disk, endings }) {
        for (const ending of endings) if (ending.status === "rejected") assert.ok(isLocked(ending.reason), String(ending.reason));
        const done = endings.filter(({ status }) => status === "fulfilled").length;
        assert.ok(done > 0);
        assert.equal(disk.readText("/app/count"), String(done));
      },
    });
    t.diagnostic(text);
    assert.equal(violations, 0, text);
    assert.ok(ends > 0);
  });

  it("of one process, asked for at once: none is lost, and nothing is left", async () => {
    const disk = new SimDisk();
    disk.writeFile("/app/count", "0");
    await onDisk(disk, () => Promise.all(Array.from({ length: 20 }, increment20)));
    assert.equal(disk.readText("/app/count"), "20");
    assert.deepEqual(Object.keys(disk.tree()).sort(), ["/app/", "/app/count", "/app/count.lock"]);
    assert.deepEqual(disk.openPaths(), []);
  });
  const increment20 = (): Promise<unknown> =>
    updateFile("/app/count", (old) => String(Number(new TextDecoder().decode(old)) + 1), { durability: "volatile" });
});
