/** A real job is killed at random moments and started again each time, until it is done. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { loaded } from "../support/checkpoints.ts";
import { startChild } from "../support/child.ts";
import { deep } from "../support/deep.ts";
import { seeded } from "../support/seeded.ts";
import { tempDir } from "../support/temp-dir.ts";

/** As large as it was asked for in the proof tier. */
const [ITEMS, KILLS] = deep ? [10_000, 200] : [600, 6];
const BATCH = 20;
const LIFE_MS_MAX = deep ? 80 : 120;

interface Job {
  readonly dir: string;
  readonly items: number;
  readonly batch: number;
}

/** One line for each item that is done, so that one that is done twice is seen; and an output that depends on the item alone. */
const work = (job: Job) =>
  startChild(async ({ checkpoints, fs, path, say }, { dir, items, batch }: Job) => {
    const checkpoint = await checkpoints.Checkpoint.open(path.join(dir, "job"), { fingerprint: { items } });
    const ids = (function* () {
      for (let id = 0; id < items; id++) yield id;
    })();
    say("ready");
    const options = { key: (id: number) => id, checkpoint, every: { items: batch }, total: items };
    const result = await checkpoints.resumable(ids, options, async (id) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      fs.writeFileSync(path.join(dir, "out", String(id % 500)), `${id}\n`, { flag: "a" });
      fs.appendFileSync(path.join(dir, "work"), `${id}\n`);
    });
    await checkpoint.close();
    return result;
  }, job);

/** Outputs may come twice: at least once is what is promised. */
function outputs(dir: string): string {
  const all = fs.readdirSync(dir).sort();
  return all
    .map((name) => `${name}: ${[...new Set(fs.readFileSync(path.join(dir, name), "utf8").split("\n"))].sort()}`)
    .join("\n");
}

it(`CKP-18 ${ITEMS} items, ${KILLS} kills: all are done, at most a batch again for each kill, and the outputs are the same`, async (t) => {
  const random = seeded(t);
  const dir = tempDir(t);
  fs.mkdirSync(path.join(dir, "out"));
  const job: Job = { dir, items: ITEMS, batch: BATCH };
  let [kills, doneBefore, lives] = [0, 0, 0];
  for (;;) {
    lives++;
    const child = work(job);
    t.after(() => child.kill());
    if (kills === KILLS) {
      const result = await child.result;
      assert.equal(result.done, ITEMS);
      break;
    }
    await child.next();
    await new Promise((resolve) => setTimeout(resolve, random.int(LIFE_MS_MAX)));
    await child.kill();
    kills++;
    const found = await loaded(path.join(dir, "job"));
    if (found.status === "absent") assert.equal(doneBefore, 0);
    else {
      assert.equal(found.status, "ok");
      const done = found.progress?.done ?? 0;
      assert.ok(done >= doneBefore, `progress went back from ${doneBefore} to ${done}`);
      doneBefore = done;
    }
  }
  assert.ok(doneBefore < ITEMS, "the job was done before the last kill: it has to be killed in the middle");
  const lines = fs.readFileSync(path.join(dir, "work"), "utf8").trimEnd().split("\n");
  assert.equal(new Set(lines).size, ITEMS);
  const again = lines.length - ITEMS;
  assert.ok(again <= KILLS * BATCH, `${again} items were done again`);
  const calm = tempDir(t);
  fs.mkdirSync(path.join(calm, "out"));
  for (let id = 0; id < ITEMS; id++) fs.writeFileSync(path.join(calm, "out", String(id % 500)), `${id}\n`, { flag: "a" });
  assert.equal(outputs(path.join(dir, "out")), outputs(path.join(calm, "out")));
  const left = fs
    .readdirSync(path.join(dir, "job"))
    .filter((name) => !/^(checkpoint\.lock(\.holder)?|generation-\d+)$/.test(name));
  assert.deepEqual(
    // On Windows a staged file is swept when it is a minute old.
    left.filter((name) => !/^part-/.test(name) && !(process.platform === "win32" && name.startsWith(".holdfast-stage-"))),
    [],
    "left over",
  );
  t.diagnostic(`${kills} kills in ${lives} lives, ${again} of ${ITEMS} items done again: ${(again / kills).toFixed(1)} a kill`);
});
