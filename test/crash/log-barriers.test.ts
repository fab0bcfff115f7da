/** Negative controls of the log: each barrier is left out alone, and the sweep must fail. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { openLog } from "holdfast/log";
import { onDisk, SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { currentMachine } from "../../dist/io/current.js";
import { deep } from "../support/deep.ts";
import { appendAll, bytesOf, contentOf, DIR, snapshotOf } from "../support/logs.ts";
import { type Around, withMachine, wrapped } from "../support/machines.ts";

/** The `nth` sync only seems to be done; of what there are, the places are told. */
function leavingOut(nth: number, places: string[]): Around {
  return (call, proceed) => {
    if (call.op !== "syncDir" && call.op !== "syncFile" && call.op !== "syncData") return proceed();
    places.push(call.op === "syncDir" ? String(call.args[0]) : call.op === "syncFile" ? "a staged file" : "a batch");
    return places.length === nth ? true : proceed();
  };
}

interface Way {
  readonly setup: SweepOptions["setup"];
  readonly run: (acknowledge: (text: string) => void) => Promise<void>;
  /** What needs no barrier, and why. */
  readonly needless: Readonly<Record<string, string>>;
}

const withOne = async (disk: SimDisk): Promise<void> => {
  disk.makeDir("/app");
  await onDisk(disk, async () => {
    const log = await openLog(DIR, { segmentBytes: 1 });
    await appendAll(log, ["0"]);
    await log.snapshot(1, "1");
    await log.close();
  });
};

const ASKED = "it asks whether the directory can be synced";

const WAYS: Record<string, Way> = {
  "a new log": {
    setup: (disk) => disk.makeDir("/app"),
    async run(acknowledge) {
      const log = await openLog(DIR);
      await appendAll(log, ["0"], acknowledge);
      await log.close();
    },
    needless: { [`2: ${DIR}`]: ASKED },
  },
  "appends, each of which begins a segment": {
    setup: withOne,
    async run(acknowledge) {
      const log = await openLog(DIR, { segmentBytes: 1 });
      await appendAll(log, ["1", "2"], acknowledge);
      await log.close();
    },
    needless: { [`1: ${DIR}`]: ASKED },
  },
  "a snapshot and the removal of what it has": {
    setup: withOne,
    async run(acknowledge) {
      const log = await openLog(DIR, { segmentBytes: 1, durability: "atomic" });
      await log.append(bytesOf("1"));
      await log.snapshot(2, "2");
      acknowledge("1");
      await log.truncateBefore(2);
      await log.close();
    },
    needless: { [`1: ${DIR}`]: ASKED },
  },
};

/** All of it, as a record or in the snapshot, and what was acknowledged in one of the two. */
async function check(acknowledged: readonly string[]): Promise<void> {
  const log = await openLog(DIR);
  const [position = "0"] = (await snapshotOf(log))?.split(" ") ?? [];
  const { next, first } = await log.stat();
  assert.ok(first <= Number(position) && Number(position) <= next);
  assert.deepEqual(await contentOf(log, Number(position)), ["0", "1", "2"].slice(Number(position), next));
  for (const text of acknowledged) assert.ok(Number(text) < next, `${text} was acknowledged and is lost`);
  await log.close();
}

for (const [name, { setup, run, needless }] of Object.entries(WAYS).slice(0, deep ? undefined : 1)) {
  it(`${name}: no barrier can be left out`, async () => {
    const without = (nth: number, places: string[], acknowledge: (text: string) => void): Promise<void> =>
      withMachine(wrapped(leavingOut(nth, places), currentMachine()), () => run(acknowledge));
    const places: string[] = [];
    const once = new SimDisk();
    await setup?.(once);
    await onDisk(once, () => without(0, places, () => {}));
    const unseen: string[] = [];
    for (const [index, place] of places.entries()) {
      const { violations } = await sweep<string>({
        setup,
        depth: 1,
        untilFirst: true,
        run: ({ acknowledge }) => without(index + 1, [], acknowledge),
        check: ({ acknowledged }) => check(acknowledged),
      });
      if (violations === 0) unseen.push(`${index + 1}: ${place}`);
    }
    assert.deepEqual(unseen, Object.keys(needless));
    assert.ok(places.length > unseen.length + 1, String(places));
  });
}
