/**
 * `npm run test:nodes`: the compiled tests on every Node that is supported, the oldest promised release first. The short
 * form leaves out the simulator and what stands on it alone, which is arithmetic, and the demo; `-- --long` leaves out only
 * the tests of the repository itself. `-- WORD...` runs the test files whose path contains one of the words.
 *
 * Results, in `.results/nodes.json`, as `.results/windows.json` has them too:
 *
 *   { tier, form: "short" | "long", passed, failed, skipped, seconds,
 *     runs: [{ name, passed, failed, skipped, seconds,
 *              files: { "file/order": { passed, failed, skipped }, ... },   by test file
 *              skips: { "needs root": 3, ... },                            by reason
 *              notes: ["process/rename-storm: ...", ...] }] }              numbers that tests report
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt, ensureInstalled, ensureTestsBuilt, orExit, ROOT } from "./ensure.mjs";
import { NoBuild, nodeBuild } from "./tiers/node-builds.mjs";
import { Results, secondsSince } from "./tiers/results.mjs";
import { countTests, endGroup, testArguments, testFiles } from "./tiers/test-run.mjs";

/** The first is the oldest that package.json promises (`engines`). */
const VERSIONS = ["20.19.0", "22.23.3", "24.21.0", "26.10.0"];

const NOT_IN_SHORT_FORM = ["cli", "crash", "fault", "lock/orders.test.js", "sim"];

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  ensureTestsBuilt();
});

const args = process.argv.slice(2);
const long = args.includes("--long");
const words = args.filter((arg) => !arg.startsWith("--"));
const files = testFiles(long ? [] : NOT_IN_SHORT_FORM, words);
const form = long ? "long" : "short";
const results = new Results("nodes", form, words.length === 0);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-nodes-"));
fs.chmodSync(dir, 0o711); // tests become other users
let running;
let stopped = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    stopped = true;
    if (running) endGroup(running);
  });
try {
  for (const version of VERSIONS) if (!stopped) await onVersion(version);
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
process.exitCode = stopped ? 130 : results.close();

async function onVersion(version) {
  const name = `node ${version}`;
  let node;
  try {
    node = await nodeBuild(version);
  } catch (error) {
    if (!(error instanceof NoBuild)) throw error;
    return results.skip(name, error.message);
  }
  if (stopped) return;
  const began = Date.now();
  const report = path.join(dir, `${version}.ndjson`);
  const reporter = pathToFileURL(path.join(ROOT, "scripts/tiers/reporter.mjs")).href;
  // What tests start by the name "node" is to be this build too. Temporary files go where they are removed afterwards.
  const env = {
    ...process.env,
    PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
    TMPDIR: dir,
    HOLDFAST_LONG: long ? "1" : "",
    HOLDFAST_WIDE: "1",
  };
  // A process group of its own, so that nothing that a test has started outlives the run.
  const options = { cwd: ROOT, env, stdio: "ignore", detached: true };
  const child = spawn(node, testArguments(files, { reporter, destination: report, form }), options);
  running = child;
  const [code, signal] = await once(child, "exit");
  endGroup(child);
  if (!stopped) results.add(name, countTests(fs.readFileSync(report, "utf8"), code ?? signal), secondsSince(began));
}
