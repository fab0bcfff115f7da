/**
 * Processes that are killed in the middle of writing, 30 times. The small form: the simulator visits every state, and
 * `holdfast demo` shows a long storm.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readJson, writeFile } from "holdfast";
import { startChild } from "../support/child.ts";
import { seeded } from "../support/seeded.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const KILLS = 30;
const LONG_AGO = new Date("2026-01-01");

interface Version {
  readonly number: number;
  readonly fill: string;
}

const fillOf = (number: number): string => String(number).repeat(2000 + (number % 7) * 3000);

test(`after each of ${KILLS} kills the file is whole, and never older than what was acknowledged`, async (t) => {
  const random = seeded(t);
  const dir = tempDir(t);
  const file = path.join(dir, "file.json");
  let acknowledged = 0;
  let seen = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const writer = startChild(
      async ({ hf, say }, { file, from, shift }) => {
        for (let number = from; ; number++) {
          const version = { number, fill: String(number).repeat(2000 + (number % 7) * 3000) };
          const text = JSON.stringify(version);
          if ((number + shift) % 3 === 0) hf.writeFileSync(file, text);
          else if ((number + shift) % 3 === 1) await hf.writeFile(file, [text.slice(0, 1000), text.slice(1000)]);
          else {
            const staged = await hf.stageFile(file);
            await staged.write(text);
            await staged.commit();
          }
          say(number);
        }
      },
      { file, from: acknowledged + 1, shift: random.int(3) },
    );
    t.after(() => writer.kill());
    const from = acknowledged;
    for (const until = from + 1 + random.int(6); acknowledged < until; ) acknowledged = (await writer.next()) as number;
    for (let turns = random.int(40); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    await writer.kill();
    await writer.result.catch(() => {});
    // What it said before it died counts, heard or not.
    for (let said = await writer.next(); said !== undefined; said = await writer.next()) acknowledged = said as number;
    const found = await readJson<Version>(file);
    assert.equal(found.fill, fillOf(found.number), `kill ${kill}: version ${found.number} is not whole`);
    assert.ok(found.number >= acknowledged, `kill ${kill}: version ${found.number} was found, ${acknowledged} was acknowledged`);
    assert.ok(leftovers(dir).length <= 1, "each start has removed what the kill before it left");
    acknowledged = found.number;
    seen += leftovers(dir).length;
    // Windows has no proof of death but age.
    if (process.platform === "win32") for (const name of leftovers(dir)) fs.utimesSync(path.join(dir, name), LONG_AGO, LONG_AGO);
  }
  t.diagnostic(`${seen} of ${KILLS} kills left a staged file`);
  await writeFile(path.join(dir, "other"), "");
  assert.deepEqual(leftovers(dir), []);
  assert.ok(fs.existsSync(file));
});
