/** Increments by 8 processes, some of which are killed: each that was acknowledged is there. HOLDFAST_LONG=1 makes 1000 each. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { readJson } from "holdfast";
import { type Child, startChild } from "../support/child.ts";
import { deep, wide } from "../support/deep.ts";
import { seeded } from "../support/seeded.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

/** Wine 8 does not start eight at once beside other tests: spawn UNKNOWN. */
const PROCESSES = process.platform === "win32" ? 4 : 8;
const KILLS = wide ? 20 : 8;
const INCREMENTS = deep ? 1000 : wide ? 100 : 40;

interface Counter {
  readonly count: number;
}

test(`${PROCESSES} processes x ${INCREMENTS} increments with ${KILLS} kills: none that was acknowledged is lost`, {
  timeout: 600_000,
}, async (t) => {
  const random = seeded(t);
  const dir = tempDir(t);
  const file = path.join(dir, "counter.json");
  const startMs = performance.now();
  const all: Child<void>[] = [];
  t.after(() => Promise.all(all.map((child) => child.kill())));
  let acknowledged = 0;
  let unacknowledged = 0;
  let left = KILLS;

  /** Increments until it has made so many, in processes one after another if some are killed. */
  const worker = async (kills: number): Promise<void> => {
    for (let missing = INCREMENTS; missing > 0; ) {
      const child = startChild(
        async ({ hf, say }, { file, count }) => {
          const change = ({ count } = { count: 0 }): { count: number } => ({ count: count + 1 });
          const options = { lockTimeoutMs: 120_000 };
          for (let done = 0; done < count; done++) {
            say("begin");
            if (done % 5 === 4) {
              hf.updateFileSync(file, (old) => JSON.stringify(change(old && JSON.parse(new TextDecoder().decode(old)))), options);
            } else await hf.updateJson(file, change, options);
            say("done");
          }
        },
        { file, count: missing },
      );
      all.push(child);
      let open = 0;
      const killAfter = kills > 0 ? 1 + random.int(2 * Math.max(1, Math.floor(missing / (kills + 1)))) : Number.POSITIVE_INFINITY;
      let heard = 0;
      let killing: Promise<void> | undefined;
      for (let said = await child.next(); said !== undefined; said = await child.next()) {
        if (said === "begin") open = 1;
        else {
          open = 0;
          missing--;
          acknowledged++;
        }
        if (++heard < killAfter || killing || missing === 0) continue;
        for (let turns = random.int(20); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
        killing = child.kill();
        kills--;
        left--;
      }
      await killing;
      if (!killing) await child.result;
      unacknowledged += open;
    }
  };

  const kills = Array.from({ length: PROCESSES }, (_, index) => Math.floor((KILLS + index) / PROCESSES));
  await Promise.all(kills.map(worker));
  const { count } = await readJson<Counter>(file);
  const seconds = (performance.now() - startMs) / 1000;
  t.diagnostic(
    `${seconds.toFixed(1)} s; ${acknowledged} acknowledged, ${unacknowledged} cut off, ${count} found; ${KILLS - left} kills`,
  );
  assert.equal(acknowledged, PROCESSES * INCREMENTS);
  assert.ok(KILLS - left >= KILLS / 2, "too few were killed to prove anything");
  assert.ok(count >= acknowledged, `${count} found, ${acknowledged} acknowledged: an update was lost`);
  assert.ok(count <= acknowledged + unacknowledged, `${count} found, at most ${acknowledged + unacknowledged} were made`);
  if (process.platform === "linux") assert.ok(leftovers(dir).length <= KILLS);
});
