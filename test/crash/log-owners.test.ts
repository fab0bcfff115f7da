/** Several processes append to one log: owners that die, syncs that fail, records that are removed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHoldfastError } from "holdfast";
import { openLog } from "holdfast/log";
import { interleave, onDisk, SimDisk, sweep } from "holdfast/sim";
import { withMachine } from "../../dist/io/current.js";
import type { Machine } from "../../dist/io/io.js";
import { deep } from "../support/deep.ts";
import { appendAll, bytesOf, contentAfterOpening, contentOf, DIR, segmentsOn } from "../support/logs.ts";

interface Told {
  readonly acknowledged: string[];
  readonly errors: unknown[];
}

/** So long that a failed batch has blocks of its own, which no later write brings back. */
const LONG = "-".repeat(9000);

/** Appends until all are tried, whatever fails. */
async function appender(name: string, count: number, told: Told, tail = ""): Promise<void> {
  const log = await openLog(DIR);
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      for (let wait = 0; wait < index; wait++) await undefined;
      await log.append(bytesOf(`${name}${index}${tail}`)).then(
        () => told.acknowledged.push(`${name}${index}${tail}`),
        (error: unknown) => told.errors.push(error),
      );
    }),
  );
  for (let index = count; index < 2 * count; index++) {
    await log.append(bytesOf(`${name}${index}${tail}`)).then(
      () => told.acknowledged.push(`${name}${index}${tail}`),
      (error: unknown) => told.errors.push(error),
    );
  }
  await log.close();
}

/** Four processes append; the syncs of one of them fail now and then. `wrap` is what its machine does wrong beside that. */
async function withFailingSync(
  nth: number,
  wrap: (machine: Machine) => Machine = (machine) => machine,
): Promise<{ disk: SimDisk; told: Told }> {
  const disk = new SimDisk();
  disk.makeDir("/app");
  await onDisk(disk, async () => (await openLog(DIR)).close());
  const told: Told = { acknowledged: [], errors: [] };
  const failing = disk.process({ faults: [{ op: "syncData", path: `${DIR}/segment-*`, nth, errno: "EIO" }] });
  await Promise.all([
    withMachine(wrap(failing), () => appender("a", 4, told, LONG)),
    ...["b", "c", "d"].map((name) => onDisk(disk, () => appender(name, 3, told))),
  ]);
  return { disk, told };
}

/** What of the acknowledged some power loss now can take. */
async function lostBy(disk: SimDisk, { acknowledged }: Told): Promise<string[]> {
  for (const state of disk.powerLossStates()) {
    const found = await onDisk(state, () => contentAfterOpening()).catch((error: unknown) => [String(error)]);
    const lost = acknowledged.filter((one) => found.filter((other) => other === one).length !== 1);
    if (lost.length > 0) return lost;
  }
  return [];
}

describe("a sync that fails in one process while three others append", () => {
  it("loses nothing that anybody was told is durable, and its callers are told that they don't know", async () => {
    for (const nth of deep ? [1, 2, 3] : [2]) {
      const { disk, told } = await withFailingSync(nth);
      assert.ok(told.errors.length > 0 && told.acknowledged.length > 15, `${told.acknowledged.length} were acknowledged`);
      for (const error of told.errors)
        assert.ok(isHoldfastError(error, "SYNC_FAILED") && error.outcome === "unknown", String(error));
      assert.ok(segmentsOn(disk).length > 1, "nobody appends to a segment after a failed sync");
      assert.deepEqual(await lostBy(disk, told), []);
    }
  });

  it("would take records of the three others with it, if its process went on in the same segment", async () => {
    const careless = ({ io, sync }: Machine): Machine => {
      const syncData: typeof io.syncData = async (file) => {
        await Promise.resolve(io.syncData(file)).catch(() => undefined);
      };
      return { io: { ...io, syncData }, sync };
    };
    const ofOthers = ({ acknowledged }: Told): Told => ({
      acknowledged: acknowledged.filter((one) => !one.startsWith("a")),
      errors: [],
    });
    const { disk: sound, told: all } = await withFailingSync(Number.POSITIVE_INFINITY, careless);
    assert.deepEqual(await lostBy(sound, all), [], "where no sync fails, there is nothing to care for");
    const { disk, told } = await withFailingSync(1, careless);
    assert.notDeepEqual(await lostBy(disk, ofOthers(told)), []);
  });
});

describe("a segment that is followed by another", () => {
  /** One process has a segment open; another begins the next one, and dies before it can tell. What the first then appends. */
  async function found(wrap: (machine: Machine) => Machine): Promise<string[]> {
    const disk = new SimDisk();
    disk.makeDir("/app");
    await onDisk(disk, async () => {
      const log = await openLog(DIR);
      await log.append(bytesOf("one"));
      const doomed = wrap(
        disk.process({ faults: [{ op: "writeLockNote", nth: 2, times: Number.POSITIVE_INFINITY, errno: "EIO" }] }),
      );
      await withMachine(doomed, async () => {
        const other = await openLog(DIR, { segmentBytes: 1 });
        await assert.rejects(other.append(bytesOf("two")), { code: "IO", outcome: "unchanged" });
      });
      await log.append(bytesOf("three"));
      await log.close();
    });
    return await onDisk(disk, () => contentAfterOpening());
  }

  it("is left alone by who has it open, though nobody could say so", async () => {
    assert.deepEqual(await found((machine) => machine), ["one", "three"]);
  });

  it("would be appended to if its length did not tell", async () => {
    const lost = await found(({ io, sync }) => ({ io: { ...io, truncate: () => undefined }, sync }));
    assert.deepEqual(lost, ["one"]);
  });
});

describe("two processes at once, in many orders of their requests", () => {
  const appends = (text: string) => async (): Promise<number> => {
    const log = await openLog(DIR);
    const { position } = await log.append(bytesOf(text));
    await log.close();
    return position;
  };
  for (const kills of [false, true]) {
    it(`${kills ? "with kills: " : ""}no acknowledged record is lost or doubled, and no two have one position`, async (t) => {
      const { violations, text } = await interleave({
        setup: async (disk) => {
          disk.makeDir("/app");
          await onDisk(disk, async () => (await openLog(DIR)).close());
        },
        programs: [appends("a"), appends("b")],
        kills,
        statesMax: deep ? 5_000 : 100,
        async check({ endings }) {
          const found = await contentAfterOpening();
          assert.equal(new Set(found).size, found.length, String(found));
          for (const [index, ending] of endings.entries()) {
            if (ending.status === "rejected") throw ending.reason;
            if (ending.status === "fulfilled") assert.equal(found[Number(ending.value)], "ab"[index]);
          }
        },
      });
      assert.equal(violations, 0, text);
      t.diagnostic(text);
    });
  }
});

describe("truncateBefore", () => {
  it("leaves no hole after any crash, and takes nothing that is to stay", async () => {
    const records = Array.from({ length: 6 }, (_, index) => `record ${index}`);
    const { violations, states, text } = await sweep({
      async setup(disk) {
        disk.makeDir("/app");
        await onDisk(disk, async () => {
          const log = await openLog(DIR, { segmentBytes: 1 });
          await appendAll(log, records);
          await log.close();
        });
      },
      async run() {
        const log = await openLog(DIR);
        await log.truncateBefore(4);
        await log.close();
      },
      async check({ finished }) {
        const log = await openLog(DIR);
        const found = await contentOf(log);
        assert.deepEqual(found, records.slice(-found.length));
        assert.ok(found.length === (finished ? 2 : found.length === 2 ? 2 : 6), String(found));
        assert.equal((await log.append(bytesOf("x"))).position, 6);
        await log.close();
      },
    });
    assert.equal(violations, 0, text);
    assert.ok(states > 10, text);
  });
});
