/** Logs that version 1 of the format has left, checked in: every later version reads them, and goes on in them. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { type Log, openLog } from "holdfast/log";
import { ROOT } from "../cli/command.ts";
import { bytesOf, snapshotOf } from "../support/logs.ts";
import { needsLinux } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

const FIXTURES = path.join(ROOT, "test/fixtures/log-1");
/** Record 3 is no text. */
const all = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => (from + index === 3 ? "\0\u00ff\n\0" : `record ${from + index}`));

interface Golden {
  readonly records: readonly string[];
  readonly snapshot?: string;
  /** Where the damage is, if there is any. */
  readonly damagedAt?: { readonly offset: number; readonly position: number };
}

const GOLDEN: Record<string, Golden> = {
  "one-batch": { records: all(0, 2) },
  clean: { records: all(0, 5) },
  segments: { records: all(0, 8) },
  "dead-owner": { records: all(0, 5) },
  "taken-over": { records: all(0, 6) },
  "no-hint": { records: all(0, 5) },
  truncated: { records: all(5, 8) },
  snapshot: { records: all(5, 8), snapshot: "5 the state of 5 records" },
  damaged: { records: all(0, 3), damagedAt: { offset: 220, position: 3 } },
};

async function read(log: Log): Promise<{ readonly records: string[]; readonly damagedAt: unknown }> {
  const records: string[] = [];
  try {
    for await (const { bytes } of log.read()) records.push(Buffer.from(bytes).toString("latin1"));
  } catch (error) {
    const { code, details } = error as { code: string; details: unknown };
    assert.equal(code, "CORRUPT_LOG");
    return { records, damagedAt: details };
  }
  return { records, damagedAt: undefined };
}

it("has a test for each", () => {
  assert.deepEqual(fs.readdirSync(FIXTURES).sort(), Object.keys(GOLDEN).sort());
});

for (const [name, { records, snapshot, damagedAt }] of Object.entries(GOLDEN)) {
  it(`${name} is read as it was written, and continued`, { skip: needsLinux }, async (t) => {
    const dir = path.join(tempDir(t), "log");
    fs.cpSync(path.join(FIXTURES, name), dir, { recursive: true });
    const reader = await openLog(dir, { readOnly: true });
    assert.deepEqual(await read(reader), { records, damagedAt });
    assert.equal(await snapshotOf(reader), snapshot);
    if (damagedAt) {
      await assert.rejects(openLog(dir), { code: "CORRUPT_LOG", details: damagedAt });
      return;
    }
    const first = (await reader.stat()).first;
    await using log = await openLog(dir);
    assert.equal((await log.append(bytesOf("more"))).position, first + records.length);
    assert.deepEqual((await read(log)).records, [...records, "more"]);
  });
}
