/** Whatever crashes: what was acknowledged is in the log, once and in order; what was not, whole or not at all, behind it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openLog } from "holdfast/log";
import { SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { appendAll, bytesOf, contentAfterOpening, contentOf, DIR } from "../support/logs.ts";

const setup = (disk: SimDisk): void => disk.makeDir("/app");
const RECORDS = ["one", "two", "three", "four"];

/** What must hold of `found`, where `records` were appended one after the other. */
function expectPrefix(found: readonly string[], records: readonly string[], acknowledged: readonly string[]): void {
  assert.deepEqual(found, records.slice(0, found.length), "whole, in order, each once");
  assert.ok(found.length >= acknowledged.length, `${acknowledged.length} were acknowledged, ${found.length} are there`);
}

const appending = (records: readonly string[], segmentBytes?: number): SweepOptions<string> => ({
  setup,
  async run({ acknowledge }) {
    const log = await openLog(DIR, { segmentBytes });
    await appendAll(log, records, acknowledge);
    await log.close();
  },
  async check({ acknowledged }) {
    expectPrefix(await contentAfterOpening(), records, acknowledged);
  },
});

const LARGE = "0123456789abcdef".repeat(320); // two blocks

const WAYS: Record<string, SweepOptions<string>> = {
  "one after the other": appending(RECORDS),
  "in many segments": appending(RECORDS, 150),
  "over several blocks": appending(["a", LARGE, "b"]),
  "many at once": {
    ...appending(RECORDS),
    async run({ acknowledge }) {
      const log = await openLog(DIR);
      await Promise.all(RECORDS.map(async (text) => acknowledge((await log.append(bytesOf(text))) && text)));
      await log.close();
    },
  },
};

for (const [name, options] of Object.entries(WAYS)) {
  it(`${name}: nothing that was acknowledged is lost after any crash`, async (t) => {
    for (const profile of ["strict", "paranoid"] as const) {
      const { violations, states, text } = await sweep({ ...options, profile });
      assert.equal(violations, 0, text);
      assert.ok(states >= 20, text);
      t.diagnostic(text);
    }
  });
}

it("the next start goes on behind it, from every state, and is crashed as well", async (t) => {
  const records = ["one", "two"];
  const more = ["three", "four"];
  const { violations, states, text } = await sweep<string>({
    ...appending(records),
    async recover({ acknowledge }) {
      const log = await openLog(DIR);
      await appendAll(log, more, acknowledge);
      await log.close();
    },
    async check({ acknowledged }) {
      const found = await contentAfterOpening();
      const old = found.filter((one) => records.includes(one));
      const told = (texts: readonly string[]): string[] => acknowledged.filter((one) => texts.includes(one));
      expectPrefix(old, records, told(records));
      expectPrefix(found.slice(old.length), more, told(more));
    },
  });
  assert.equal(violations, 0, text);
  assert.ok(states > 100, text);
  t.diagnostic(text);
});

it("what a reader has seen is never lost", async () => {
  const { violations, text } = await sweep<string>({
    ...appending(RECORDS, 150),
    async run({ acknowledge }) {
      const log = await openLog(DIR, { segmentBytes: 150 });
      const reader = await openLog(DIR, { readOnly: true });
      const told = new Set<string>();
      for (const text of RECORDS) {
        const appended = log.append(bytesOf(text));
        for (const seen of await contentOf(reader, 0)) {
          if (!told.has(seen)) acknowledge(seen);
          told.add(seen);
        }
        await appended;
      }
      await log.close();
    },
  });
  assert.equal(violations, 0, text);
});

describe("the sweep would see it", () => {
  for (const sabotage of ["no-file-sync", "no-directory-sync", "ignored-short-write"] as const) {
    it(`a log fails under ${sabotage}`, async () => {
      assert.ok((await sweep({ ...appending(RECORDS, 150), sabotage, untilFirst: true })).violations > 0);
    });
  }
});
