/**
 * `npm run test:kernel`: crash images and power cuts on the real file systems of this machine's kernel, on a fresh clone too.
 * `-- --long` for every barrier of every protocol, more images and the litmus tests; `-- WORD...` for the trials with one of the
 * words in the name of file system, protocol, method or control; `-- --seed N` for other images.
 *
 * Leaves `.results/kernel.json`, of which docs can be made:
 *   { tier: "kernel", form: "short" | "long", kernel, node, seed, passed, failed, skipped, seconds,
 *     trials:  [TrialResult of src/cli/kernel/trial.ts: fileSystem, protocol, method, control?, images, checks, violations,
 *               outside, predicted, seen, classes, ok, ...],
 *     litmus:  [the same of the litmus tests, which are no operations of the API],
 *     missing: [SkippedTrial of src/cli/kernel/run-trials.ts: the same names, and `missing`] }
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureCommand } from "./debian.mjs";
import { ensureBuilt, ensureInstalled, orExit, ROOT } from "./ensure.mjs";

const DEFAULT_SEED = 1;

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  ensureCommand("mkfs.ext4", "e2fsprogs");
  ensureCommand("mkfs.xfs", "xfsprogs");
  ensureCommand("mkfs.btrfs", "btrfs-progs");
});

const load = (file) => import(pathToFileURL(path.join(ROOT, "dist/cli/kernel", file)).href);
const [{ runTrials }, { failureLines, skippedLines, trialTable }] = await Promise.all([load("run-trials.js"), load("report.js")]);

const args = process.argv.slice(2);
const seedAt = args.indexOf("--seed");
const seed = seedAt < 0 ? DEFAULT_SEED : Number(args.splice(seedAt, 2)[1]);
const long = args.includes("--long");
const words = args.filter((arg) => !arg.startsWith("--"));

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    process.exitCode = 128 + os.constants.signals[signal];
    stop.abort();
  });
}

const startedMs = Date.now();
const nameOf = ({ fileSystem, protocol, method, control = "" }) => `${fileSystem} ${protocol} ${method} ${control}`;
const only = (trial) => words.length === 0 || words.some((word) => nameOf(trial).includes(word));
let saidMs = startedMs;
const onProgress = (done, total) => {
  if (Date.now() - saidMs < 10_000) return;
  saidMs = Date.now();
  console.log(`${done} of ${total} trials, ${secondsSinceStart()} s`);
};
const secondsSinceStart = () => Math.round((Date.now() - startedMs) / 1000);

try {
  close(await runTrials({ long, seed, only, onProgress, signal: stop.signal }));
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.error("holdfast: cancelled");
}

function close({ kernel, results: trials, skipped: missing }) {
  for (const line of [...trialTable(trials), "", ...failureLines(trials), ...skippedLines(missing)]) console.log(line);
  const images = trials.reduce((sum, trial) => sum + trial.images, 0);
  const [passed, failed, skipped] = [trials.filter(({ ok }) => ok), trials.filter(({ ok }) => !ok), missing].map(
    ({ length }) => length,
  );
  const seconds = secondsSinceStart();
  const form = long ? "long" : "short";
  const isLitmus = ({ protocol }) => protocol.startsWith("litmus-");
  const found = { trials: trials.filter((trial) => !isLitmus(trial)), litmus: trials.filter(isLitmus), missing };
  const all = { tier: "kernel", form, kernel, node: process.version, seed, passed, failed, skipped, seconds, ...found };
  fs.mkdirSync(path.join(ROOT, ".results"), { recursive: true });
  fs.writeFileSync(path.join(ROOT, ".results/kernel.json"), `${JSON.stringify(all, undefined, 2)}\n`);
  console.log(`Linux ${kernel}: ${images} disks mounted in ${seconds} s, seed ${seed}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0 || (words.length > 0 && trials.length + missing.length === 0)) process.exitCode = 1;
}
