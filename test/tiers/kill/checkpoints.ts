/** Checkpoints under the kill tier: what a run has saved, and what the next one goes on from. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { writeFile } from "holdfast";
import { Checkpoint, type SaveResult } from "holdfast/checkpoint";
import { decodeGeneration } from "../../../dist/format/checkpoint.js";
import type { Scenario } from "./scenario.ts";

const GOLDEN = fileURLToPath(new URL("../../../test/golden/checkpoint-1/job", import.meta.url));
const jobIn = (dir: string): string => path.join(dir, "job");
const VERSION = { version: 3 };

/** The newest state that is whole, as a reader has it. */
function observe(dir: string): string {
  const names = fs.readdirSync(jobIn(dir)).filter((name) => name.startsWith("generation-"));
  for (const name of names.sort().reverse()) {
    const decoded = decodeGeneration(fs.readFileSync(path.join(jobIn(dir), name)), Number(name.slice("generation-".length)));
    if (!("state" in decoded)) return `${name} is damaged`;
    const { count } = (JSON.parse(Buffer.from(decoded.state).toString()) ?? {}) as { count?: number };
    return decoded.header.kind === "cleared" ? "cleared" : `count ${count}`;
  }
  return "absent";
}

/** The next run has the lock at once, and goes on from what is there. */
async function recover(dir: string): Promise<void> {
  const before = observe(dir);
  const checkpoint = await Checkpoint.open<{ count: number }>(jobIn(dir), { ...VERSION, lockTimeoutMs: 0 });
  const found = await checkpoint.load();
  await checkpoint.close();
  assert.equal(found.status === "absent" ? "cleared" : `count ${found.state.count}`, before);
  assert.notEqual(found.status, "degraded");
  await writeFile(path.join(jobIn(dir), "other"), ""); // removes what the dead left
}

const changing = (
  name: string,
  states: readonly string[],
  change: (checkpoint: Checkpoint) => Promise<SaveResult>,
): Scenario => ({
  name,
  module: import.meta.url,
  setup: (dir) => fs.cpSync(GOLDEN, jobIn(dir), { recursive: true }),
  async run(dir) {
    const checkpoint = await Checkpoint.open(jobIn(dir), { ...VERSION, keep: 2 });
    try {
      await change(checkpoint);
    } finally {
      await checkpoint.close();
    }
  },
  observe,
  states,
  recover,
});

export const SCENARIOS: readonly Scenario[] = [
  changing("checkpoint save", ["count 3", "count 4"], (checkpoint) => checkpoint.save({ count: 4 })),
  changing("checkpoint clear", ["count 3", "cleared"], (checkpoint) => checkpoint.clear()),
  changing("checkpoint rollback", ["count 3", "count 2"], (checkpoint) => checkpoint.rollback()),
];
