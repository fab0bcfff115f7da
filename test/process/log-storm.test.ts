/** Real processes append to one log and are killed at random, while others tail it. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { openLog } from "holdfast/log";
import { startChild } from "../support/child.ts";
import { wide } from "../support/deep.ts";
import { contentAfterOpening } from "../support/logs.ts";
import { seeded } from "../support/seeded.ts";
import { tempDir } from "../support/temp-dir.ts";

const WRITERS = 4;
const READERS = 4;
const LIVES = wide ? 5 : 2;
const ACKNOWLEDGED_MAX = 40;

interface Job {
  readonly dir: string;
  readonly name: string;
}

it("a storm of writers loses no acknowledged record, doubles none, keeps the order, and readers see a prefix of it", async (t) => {
  const random = seeded(t);
  const dir = tempDir(t);
  await (await openLog(dir)).close();
  const acknowledged: string[] = [];

  const live = async (name: string): Promise<void> => {
    const child = startChild(
      async ({ logs, say }, { dir, name }: Job) => {
        const log = await logs.openLog(dir, { segmentBytes: 4000 });
        const append = async (text: string): Promise<void> => {
          await log.append(new TextEncoder().encode(text));
          say(text);
        };
        for (let count = 0; ; count += 3) await Promise.all([0, 1, 2].map((more) => append(`${name} ${count + more}`)));
      },
      { dir, name } satisfies Job,
    );
    t.after(() => child.kill());
    for (let left = 1 + random.int(ACKNOWLEDGED_MAX); left > 0; left--) {
      const said = await child.next();
      if (said === undefined) await child.result; // it has ended by itself, and says why
      acknowledged.push(String(said));
    }
    await child.kill();
    for (let said = await child.next(); said !== undefined; said = await child.next()) acknowledged.push(String(said));
  };

  const stop = new AbortController();
  const tails = Array.from({ length: READERS }, async () => {
    const log = await openLog(dir, { readOnly: true });
    const seen: string[] = [];
    try {
      for await (const { position, bytes } of log.tail({ signal: stop.signal })) {
        assert.equal(position, seen.length);
        seen.push(new TextDecoder().decode(bytes));
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
    return seen;
  });
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    for (let life = 0; life < LIVES; life++) await live(`${writer}.${life}`);
  });
  await Promise.all(writers).finally(() => stop.abort());
  const seen = await Promise.all(tails);

  const found = await contentAfterOpening(dir);
  assert.equal(new Set(found).size, found.length, "a record is there twice");
  const there = new Set(found);
  assert.deepEqual(
    acknowledged.filter((text) => !there.has(text)),
    [],
    "acknowledged and lost",
  );
  for (const name of new Set(found.map((text) => text.split(" ")[0]))) {
    const counts = found.filter((text) => text.startsWith(`${name} `)).map((text) => Number(text.split(" ")[1]));
    assert.deepEqual(counts, [...counts.keys()], `the records of ${name} are in order, without a gap`);
  }
  for (const one of seen) {
    assert.ok(one.length > 0);
    assert.deepEqual(one, found.slice(0, one.length), "a reader saw what is not in the log");
  }
  t.diagnostic(`${acknowledged.length} acknowledged, ${found.length} found, readers saw ${seen.map(({ length }) => length)}`);
});
