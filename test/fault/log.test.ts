/** Whatever fails while a record is appended, the error says what is in the log, and nothing is left open. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { openLog } from "holdfast/log";
import { type FaultSweepOptions, faultSweep, onDisk, type SimDisk } from "holdfast/sim";
import { deep } from "../support/deep.ts";
import { appendAll, bytesOf, contentAfterOpening, DIR, foundOn } from "../support/logs.ts";

const FIRST = ["one", "two"];

async function withFirst(disk: SimDisk, segmentBytes?: number): Promise<void> {
  disk.makeDir("/app");
  await onDisk(disk, async () => {
    const log = await openLog(DIR, { segmentBytes });
    await appendAll(log, FIRST);
    await log.close();
  });
}

async function append(text: string, segmentBytes?: number): Promise<void> {
  const log = await openLog(DIR, { segmentBytes });
  try {
    await log.append(bytesOf(text));
  } finally {
    await log.close();
  }
}

const appending = (more: Partial<FaultSweepOptions> = {}, segmentBytes?: number): FaultSweepOptions => ({
  setup: (disk) => withFirst(disk, segmentBytes),
  run: () => append("three", segmentBytes),
  observe: (disk) => foundOn(disk).join(" "),
  recover: async () => void (await contentAfterOpening()),
  ...more,
});

const WAYS: Record<string, FaultSweepOptions> = {
  "an append that begins a segment": appending({}, 1),
  ...(deep
    ? { "an append": appending(), "an append over several blocks": appending({ run: () => append("x".repeat(9000)) }) }
    : {}),
};

for (const [name, options] of Object.entries(WAYS)) {
  it(`${name}: the outcome agrees with the disk after every fault`, async (t) => {
    const { violations, cases, requests, text } = await faultSweep(options);
    assert.equal(violations, 0, text);
    assert.ok(requests >= 20 && cases > 2 * requests, text);
    t.diagnostic(text);
  });
}
