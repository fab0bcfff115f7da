/** The process that writes while its disk is recorded, or loses its power. Its one argument is a {@link WorkerJob}. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { breakBarrier } from "../controls.ts";
import { findProtocol } from "../find-protocol.ts";
import type { WorkerJob } from "../worker-job.ts";

/** Between acknowledgements, so that the bystander comes in between. */
const PAUSE_MS = 6;
const BYSTANDER_BYTES = 100;

const job = JSON.parse(process.argv[2] ?? "{}") as WorkerJob;
const { dir, bystander, mark, cutAfter, sabotage } = job;
const { fsyncSync } = fs; // as it was before anything is broken
const markFile = mark === undefined ? undefined : fs.openSync(mark, "w");
let acknowledged = 0;

async function acknowledge(name: string): Promise<void> {
  if (markFile !== undefined) fs.writeSync(markFile, name);
  fs.writeSync(1, `${name}\n`);
  if (++acknowledged === cutAfter) {
    execFileSync("xfs_io", ["-x", "-c", "shutdown", dir]);
    process.exit(0);
  }
  if (bystander) await between();
}

/** Something for the file system to write while nothing of ours is under way. */
async function between(): Promise<void> {
  await sleep(PAUSE_MS);
  writeOther();
  await sleep(PAUSE_MS);
}

const other = bystander && fs.openSync(bystander.file, "a");

function writeOther(): void {
  if (other === undefined) return;
  fs.writeSync(other, "x".repeat(BYSTANDER_BYTES));
  fsyncSync(other);
}

/** And while it is, until the work is done. */
async function standBy(signal: AbortSignal): Promise<void> {
  while (bystander?.always && !signal.aborted) {
    writeOther();
    await sleep(PAUSE_MS);
  }
}

if (sabotage) breakBarrier(sabotage, writeOther);
const protocol = findProtocol(job.protocol);
if (job.part === "recover") await protocol.recover?.(dir);
else {
  const done = new AbortController();
  const standing = standBy(done.signal);
  await protocol.run(dir, acknowledge);
  done.abort();
  await standing;
}
