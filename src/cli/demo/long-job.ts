/** Act: a job is killed at random moments and started again, once with a checkpoint, once with its JSON written in place. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../seeded-random.ts";
import type { Act, Finding, Stage } from "./act.ts";

const MAIN = fileURLToPath(new URL("job/main.js", import.meta.url));
const LIFE_MS_MAX = 150;
const KILLS_MIN = 2;

/** What became of one job. */
interface Lives {
  readonly kills: number;
  /** Starts that found less than had been acknowledged, and that found nothing at all though something was. */
  readonly setBacks: number;
  readonly fromZero: number;
  readonly stepsLost: number;
  readonly error: string | undefined;
}

/** See above. */
export const longJob: Act = {
  id: "longJob",
  title: "Long job: killed at random moments, and started again each time.",
  weight: 6,
  perform,
};

async function perform(stage: Stage): Promise<Finding> {
  const [checkpoint, inPlace] = [await liveAgain("holdfast", stage), await liveAgain("in place", stage)];
  const say = (name: string, { kills, setBacks, fromZero, stepsLost }: Lives): void =>
    stage.output.line(`  ${name.padEnd(18)} ${kills} kills, ${setBacks} set back (${fromZero} to zero), ${stepsLost} steps lost`);
  say("Checkpoint", checkpoint);
  say("JSON in place", inPlace);
  if (checkpoint.error !== undefined) stage.output.line(`  the job with a checkpoint failed: ${checkpoint.error}`);
  const holds = checkpoint.setBacks === 0 && checkpoint.error === undefined;
  return { holds, facts: { checkpoint, inPlace }, headings: [], cells: new Map() };
}

/** Kills the job for half of the time that the act has; begins it anew when it is done. */
async function liveAgain(kind: "holdfast" | "in place", { dir, seconds, seed, signal }: Stage): Promise<Lives> {
  const random = seededRandom(seed);
  const own = path.join(dir, kind);
  fs.mkdirSync(own);
  const counts = { kills: 0, setBacks: 0, fromZero: 0, stepsLost: 0 };
  const untilMs = performance.now() + (seconds * 1000) / 2;
  let saved = 0;
  while (counts.kills < KILLS_MIN || performance.now() < untilMs) {
    signal.throwIfAborted();
    const child = spawn(process.execPath, [MAIN, kind, own], { stdio: ["ignore", "pipe", "pipe"] });
    const kill = (): void => void child.kill("SIGKILL");
    signal.addEventListener("abort", kill);
    let complaint = "";
    child.stderr.on("data", (chunk: Buffer) => {
      complaint += String(chunk);
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [what, text] = line.split(" ");
      const count = Number(text);
      if (what === "from") {
        if (count < saved) counts.setBacks++;
        if (count === 0 && saved > 0) counts.fromZero++;
        counts.stepsLost += Math.max(0, saved - count);
        void delay(random() * LIFE_MS_MAX).then(kill);
      }
      saved = count;
    });
    const [code] = (await once(child, "close")) as [number | null];
    signal.removeEventListener("abort", kill);
    if (code === null) counts.kills++;
    else if (code !== 0) return { ...counts, error: complaint.slice(0, 500) };
    else {
      fs.rmSync(own, { recursive: true });
      fs.mkdirSync(own);
      saved = 0;
    }
  }
  return { ...counts, error: undefined };
}
