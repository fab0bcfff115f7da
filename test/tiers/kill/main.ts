/**
 * The kill tier: real processes that are killed at each system call, and at random; and each system call failing in each way.
 * Started by scripts/test-kill.mjs, which says how.
 */
import { randomInt } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { capabilities } from "holdfast";
import { Progress } from "../../../dist/cli/progress.js";
import { Seeded } from "../../support/seeded.ts";
import { storm } from "../../support/storm.ts";
import { attach } from "../../support/strace.ts";
import { SCENARIOS as CONTROLS } from "./controls.ts";
import { keep, type Report, skip, tell } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { type Extent, sweep } from "./sweep.ts";

const RESULTS = fileURLToPath(new URL("../../../.results/kill.json", import.meta.url));
const KILLS = { short: 200, long: 1000 } as const;
const CONTROL_KILLS = 40;
/** So much is shown of what was found. */
const FOUND_LETTERS = 120;
/** Most of a run is waiting: for the disk, and for processes to begin and end. */
const LANES = Math.max(2, os.availableParallelism());

const { values, positionals: words } = given();
const form = values.long ? "long" : "short";
const extents: readonly Extent[] = values.long ? ["once", "for ever"] : ["once"];
const seed = Number(values.seed ?? randomInt(2 ** 31));
const isMeant = (name: string): boolean =>
  words.length === 0 || words.some((word) => name.toLowerCase().includes(word.toLowerCase()));
if (!["storm", ...SCENARIOS.map(({ name }) => name), ...CONTROLS.map(({ name }) => name)].some(isMeant))
  refuse(`no operation contains ${words.join(" or ")}; there are: ${SCENARIOS.map(({ name }) => name).join("; ")}; storm`);

/** Asked before each run, so that what was started is ended where it was started. */
const interrupt = new AbortController();
const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
for (const signal of Object.keys(CODES) as (keyof typeof CODES)[]) process.on(signal, () => interrupt.abort(signal));

let runs = 0;
const bar = new Progress({ label: "kill", format: (count) => `${count} runs` });
const work = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "holdfast-kill-"));
try {
  await all(await emptyReport());
} catch (error) {
  if (!interrupt.signal.aborted) throw error;
  process.exitCode = CODES[interrupt.signal.reason as keyof typeof CODES];
} finally {
  bar.end();
  fs.rmSync(work, { recursive: true, force: true });
}

function given() {
  try {
    return parseArgs({
      options: { long: { type: "boolean", default: false }, seed: { type: "string" } },
      allowPositionals: true,
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(what: string): never {
  console.error(`holdfast: ${what}`);
  process.exit(2);
}

async function all(report: Report): Promise<void> {
  const startMs = performance.now();
  const scenarios = SCENARIOS.filter(({ name }) => isMeant(name));
  const controls = CONTROLS.filter(({ name }) => isMeant(name));
  const refusal = await cannotTrace();
  if (refusal) {
    if (scenarios.length > 0) skip(report, "kills and faults at each system call", scenarios.length, refusal);
    if (controls.length > 0) skip(report, "their negative controls", controls.length, refusal);
  } else {
    await inLanes(scenarios, (scenario) => sweepOne(report, scenario));
    await inLanes(controls, async ({ finds, ...control }) => {
      const { violations } = await sweep(control, dirFor(control), { extents: ["once"], progress: running, until: finds });
      const said = violations.find((violation) => finds.test(violation));
      tellControl(report, control.name, said, violations.length);
    });
  }
  if (isMeant("storm")) await storms(report);
  report.operations.sort((one, other) => indexOf(one.operation) - indexOf(other.operation));
  report.seconds = Math.round((performance.now() - startMs) / 1000);
  if (words.length === 0) keep(report, RESULTS);
  console.log(
    `\n${report.seconds} s${words.length === 0 ? `; the results are in ${path.relative(process.cwd(), RESULTS)}` : ""}`,
  );
  console.log(`${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`);
  if (report.failed > 0 || report.passed + report.skipped === 0) process.exitCode = 1;
}

async function sweepOne(report: Report, scenario: Scenario): Promise<void> {
  const swept = await sweep(scenario, dirFor(scenario), { extents, progress: running });
  report.operations.push(swept);
  const { calls, kills, faults, violations } = swept;
  line(() => tell(report, scenario.name, `${calls} calls, ${kills} kills, ${faults} faults`, violations));
}

async function storms(report: Report): Promise<void> {
  const begin = (kills: number, name: string, inPlace: boolean) => {
    const dir = path.join(work, name);
    fs.mkdirSync(dir);
    return storm({ dir, kills, random: new Seeded(seed), progress: (done) => running(done, kills), inPlace });
  };
  const result = await begin(KILLS[form], "storm", false);
  report.storm = { seed, ...result };
  const facts = `${result.kills} kills, ${result.inside} inside a write, ${result.written} versions written, --seed ${seed}`;
  line(() => tell(report, "storm", facts, result.violations));
  const control = await begin(CONTROL_KILLS, "control", true);
  tellControl(report, "a storm over writes in place", control.violations[0], control.violations.length);
}

function tellControl(report: Report, control: string, said: string | undefined, others: number): void {
  report.controls.push({ control, found: said !== undefined });
  const failure = said === undefined ? [`it was not found, but ${others} other violations`] : [];
  line(() => tell(report, `control: ${control}`, said?.slice(0, FOUND_LETTERS) ?? "NOT FOUND", failure));
}

function line(print: () => void): void {
  bar.end();
  print();
}

/** Called before each run, by each lane. */
function running(done: number, total: number): void {
  interrupt.signal.throwIfAborted();
  bar.update({ done: ++runs, text: `${done}/${total}` });
}

/** Some at a time; after a failure none begins, and the others end first. */
async function inLanes<T>(items: readonly T[], body: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) {
      interrupt.signal.throwIfAborted();
      await body(item);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const settled of lanes) if (settled.status === "rejected") throw settled.reason;
}

/** Why no process can be traced here, or undefined. */
async function cannotTrace(): Promise<string | undefined> {
  if (process.platform !== "linux") return "needs Linux";
  try {
    const tracer = await attach(process.pid, "thread", path.join(work, "trace"), "none");
    await tracer.end();
    return undefined;
  } catch (error) {
    return `needs strace, with the right to trace a running process: ${error instanceof Error ? error.message.trim() : error}`;
  }
}

async function emptyReport(): Promise<Report> {
  const system = `${os.type()} ${os.release()}`;
  const { fileSystem } = await capabilities(work);
  console.log(`node ${process.version}, ${system}, ${fileSystem}, ${form} form\n`);
  const counts = { seconds: 0, passed: 0, failed: 0, skipped: 0 };
  return {
    tier: "kill",
    node: process.version,
    system,
    fileSystem,
    form,
    operations: [],
    storm: undefined,
    controls: [],
    ...counts,
    skips: [],
  };
}

function dirFor({ name }: Scenario): string {
  return path.join(work, name.replace(/\W+/g, "-"));
}

function indexOf(name: string): number {
  return SCENARIOS.findIndex((scenario) => scenario.name === name);
}
