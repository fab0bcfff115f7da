/**
 * `npm run test:proof`: the long forms of sweeps and storms, on a fresh clone too. They are in the files of `npm test` that
 * import test/support/deep.ts; these are run whole. `-- WORD...` runs those whose path contains one of the words.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ensureBuilt, ensureInstalled, ensureTestsBuilt, orExit, ROOT } from "./ensure.mjs";
import { testFiles } from "./tiers/test-run.mjs";

const FILE_TIMEOUT_MS = 30 * 60_000;

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  ensureTestsBuilt();
});

const hasLongForm = (file) => fs.readFileSync(path.join(ROOT, "dist-test", file), "utf8").includes("/support/deep.js");
const files = testFiles([], process.argv.slice(2)).filter(hasLongForm);
const { status, signal } = spawnSync(
  process.execPath,
  [
    "--test",
    "--enable-source-maps",
    `--test-concurrency=${Math.max(2, os.availableParallelism())}`,
    `--test-timeout=${FILE_TIMEOUT_MS}`,
    "--test-reporter=spec",
    ...files.map((file) => `dist-test/${file}`),
  ],
  { cwd: ROOT, stdio: "inherit", env: { ...process.env, HOLDFAST_LONG: "1" } },
);
process.exitCode = status ?? 128 + os.constants.signals[signal];
