/**
 * `npm run test:proof`: the long forms of sweeps and storms, on a fresh clone too. They are in the files of `npm test` that
 * import test/support/deep.ts; these are run whole. `-- WORD...` runs those whose path contains one of the words.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ensureBuilt, ensureInstalled, ensureTestsBuilt, orExit, ROOT } from "./ensure.mjs";
import { testArguments, testFiles } from "./tiers/test-run.mjs";

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  ensureTestsBuilt();
});

const hasLongForm = (file) => fs.readFileSync(path.join(ROOT, "dist-test", file), "utf8").includes("/support/deep.js");
const files = testFiles([], process.argv.slice(2)).filter(hasLongForm);
if (files.length === 0) {
  console.error("holdfast: none of these files has a long form");
  process.exit(2); // without a file the runner would look for all that there are
}
const { status, signal } = spawnSync(
  process.execPath,
  ["--enable-source-maps", ...testArguments(files, { reporter: "spec", destination: "stdout", form: "long" })],
  { cwd: ROOT, stdio: "inherit", env: { ...process.env, HOLDFAST_LONG: "1" } },
);
process.exitCode = status ?? 128 + os.constants.signals[signal];
