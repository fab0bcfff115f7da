/** Whatever crashes: what was acknowledged is in the log, once and in order; what was not, whole or not at all, behind it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHoldfastError } from "holdfast";
import { openLog } from "holdfast/log";
import { type SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { lockNote } from "../../dist/format/lock-note.js";
import { appendAll, bytesOf, contentAfterOpening, contentOf, DIR } from "../support/logs.ts";

/** With a lock file: under "paranoid", blocks of other files in a new one make it no lock file (docs/format/lock.md). */
const setup = (disk: SimDisk): void => disk.writeFile(`${DIR}/log.lock`, lockNote(undefined));
const emptySetup = (disk: SimDisk): void => disk.makeDir("/app");
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

it("nor where there was no directory before", async () => {
  const { violations, text } = await sweep({ ...appending(RECORDS), setup: emptySetup });
  assert.equal(violations, 0, text);
});

it("the next start goes on behind it, from every state, and is crashed as well", async (t) => {
  const records = ["one"];
  const { violations, states, text } = await sweep<string>({
    ...appending(records),
    async recover({ acknowledge }) {
      const log = await openLog(DIR);
      const text = `at ${(await contentOf(log, 0)).length}`;
      await log.append(bytesOf(text));
      acknowledge(text);
      await log.close();
    },
    async check({ acknowledged }) {
      const found = await contentAfterOpening();
      const old = found.filter((one) => !one.startsWith("at"));
      assert.deepEqual(found, [...records, ...found].slice(0, old.length).concat(found.slice(old.length)));
      assert.deepEqual(
        found.slice(old.length),
        found.slice(old.length).map((_, index) => `at ${old.length + index}`),
      );
      for (const one of acknowledged) assert.ok(found.includes(one), `${one} was acknowledged and is lost`);
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
  for (const sabotage of ["no-file-sync", "no-directory-sync"] as const) {
    it(`a log fails under ${sabotage}`, async () => {
      assert.ok((await sweep({ ...appending(RECORDS, 150), sabotage, untilFirst: true })).violations > 0);
    });
  }

  it("writes that stop half way are noticed when a segment begins", async () => {
    const swept = sweep({ ...appending(RECORDS), sabotage: "ignored-short-write" });
    await assert.rejects(swept, (error) => isHoldfastError(error, "CORRUPT_LOG"));
  });
});
