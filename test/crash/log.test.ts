/** Whatever crashes: what was acknowledged is in the log, once and in order; what was not, whole or not at all, behind it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHoldfastError } from "holdfast";
import { type OpenLogOptions, openLog } from "holdfast/log";
import { onDisk, type SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { deep } from "../support/deep.ts";
import { appendAll, bytesOf, contentAfterOpening, contentOf, DIR, snapshotOf } from "../support/logs.ts";

const setup = (disk: SimDisk): void => disk.makeDir("/app");
/** A log with two records, closed. */
const withTwo = async (disk: SimDisk): Promise<void> => {
  disk.makeDir("/app");
  await onDisk(disk, async () => {
    const log = await openLog(DIR);
    await appendAll(log, ["one", "two"]);
    await log.close();
  });
};
const RECORDS = deep ? ["one", "two", "three", "four"] : ["one", "two"];
const PROFILES = deep ? (["strict", "paranoid"] as const) : (["strict"] as const);

/** What must hold of `found`, where `records` were appended one after the other. */
function expectPrefix(found: readonly string[], records: readonly string[], acknowledged: readonly string[]): void {
  assert.deepEqual(found, records.slice(0, found.length), "whole, in order, each once");
  assert.ok(found.length >= acknowledged.length, `${acknowledged.length} were acknowledged, ${found.length} are there`);
}

const appending = (records: readonly string[], options?: OpenLogOptions): SweepOptions<string> => ({
  setup,
  async run({ acknowledge }) {
    const log = await openLog(DIR, options);
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
  "in many segments": appending(RECORDS, { segmentBytes: 150 }),
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
    for (const profile of PROFILES) {
      const { violations, states, text } = await sweep({ ...options, profile });
      assert.equal(violations, 0, text);
      assert.ok(states >= 10, text);
      t.diagnostic(text);
    }
  });
}

it("the synchronous twin: nothing that was acknowledged is lost after any crash", async () => {
  const { violations, text } = await sweep<string>({
    ...appending(RECORDS),
    async run({ acknowledge }) {
      const log = await openLog(DIR, { segmentBytes: 150 });
      for (const text of RECORDS) {
        log.appendSync(bytesOf(text));
        acknowledge(text);
      }
      await log.close();
    },
  });
  assert.equal(violations, 0, text);
});

it("at the level atomic the newest may be lost in a power loss and nothing is torn; a kill takes nothing", async () => {
  const options = appending(["one", "two"], { segmentBytes: deep ? 150 : 130, durability: "atomic" });
  const check: SweepOptions<string>["check"] = async () => expectPrefix(await contentAfterOpening(), ["one", "two"], []);
  const lossy = await sweep<string>({ ...options, check });
  assert.equal(lossy.violations, 0, lossy.text);
  const killed = await sweep<string>({ ...options, profile: "kill" });
  assert.equal(killed.violations, 0, killed.text);
  assert.ok((await sweep<string>({ ...options, untilFirst: true })).violations > 0, "it is not durable");
});

it("a durable append makes the atomic ones before it durable", async () => {
  const { violations, text } = await sweep<string>({
    ...appending(["one", "two"]),
    async run({ acknowledge }) {
      const first = await openLog(DIR, { durability: "atomic" });
      await appendAll(first, ["one"]);
      const log = await openLog(DIR);
      await log.append(bytesOf("two"));
      acknowledge("one");
      acknowledge("two");
      await first.close();
      await log.close();
    },
  });
  assert.equal(violations, 0, text);
});

describe("a snapshot", () => {
  /** Of two records; the third makes the snapshot wait for it where batches are not synced. */
  const taking = (options?: OpenLogOptions): SweepOptions<string> => ({
    async setup(disk) {
      await withTwo(disk);
      await onDisk(disk, async () => {
        const log = await openLog(DIR);
        await log.snapshot(1, "one");
        await log.close();
      });
    },
    async run({ acknowledge }) {
      const log = await openLog(DIR, options);
      await log.append(bytesOf("three"));
      await log.snapshot(3, "one two three");
      acknowledge("taken");
      await log.truncateBefore(3);
      await log.close();
    },
    async check({ acknowledged }) {
      const log = await openLog(DIR);
      const found = await snapshotOf(log);
      assert.ok(found === "3 one two three" || (found === "1 one" && acknowledged.length === 0), found);
      const position = Number(found?.[0]);
      const { next, first } = await log.stat();
      assert.ok(next >= position, "it knows more than the log");
      assert.ok(first <= position, "records were removed that are in no snapshot");
      assert.deepEqual(await contentOf(log, position), ["two", "three"].slice(position - 1, next - 1));
      await log.close();
    },
  });

  for (const durability of ["durable", "atomic"] as const) {
    it(`at the level ${durability}: old or new after any crash, and the records that it does not have are there`, async (t) => {
      for (const profile of PROFILES) {
        const { violations, text } = await sweep<string>({ ...taking({ durability }), profile });
        assert.equal(violations, 0, text);
        t.diagnostic(text);
      }
    });
  }

  for (const sabotage of ["no-file-sync", "no-directory-sync", "rename-before-sync"] as const) {
    it(`fails under ${sabotage}`, async () => {
      assert.ok((await sweep<string>({ ...taking(), sabotage, untilFirst: true })).violations > 0);
    });
  }
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
  assert.ok(states > (deep ? 100 : 50), text);
  t.diagnostic(text);
});

it("what a reader has seen is never lost", async () => {
  const { violations, text } = await sweep<string>({
    ...appending(RECORDS, { segmentBytes: 150 }),
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
      assert.ok((await sweep({ ...appending(RECORDS, { segmentBytes: 150 }), sabotage, untilFirst: true })).violations > 0);
    });
  }

  it("writes that stop half way are noticed when a segment begins", async () => {
    const swept = sweep({ ...appending(RECORDS), sabotage: "ignored-short-write" });
    await assert.rejects(swept, (error) => isHoldfastError(error, "CORRUPT_LOG"));
  });
});
