/**
 * `npm test`: every test, on a fresh clone too. `npm test -- WORD...` runs the test files whose path contains one of the
 * words; what begins with `--` goes to node, as in `npm test -- tidy --test-name-pattern=imports`.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ensureBuilt, ensureInstalled, ensureTestsBuilt, orExit, ROOT } from "./ensure.mjs";

const FILE_TIMEOUT_MS = 10 * 60_000;

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  ensureTestsBuilt();
});

const args = process.argv.slice(2);
const words = args.filter((arg) => !arg.startsWith("--"));
const files = fs
  .readdirSync(path.join(ROOT, "dist-test"), { recursive: true })
  .map((file) => `dist-test/${file.split(path.sep).join("/")}`)
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`holdfast: no test file contains ${words.join(" or ")}`);
  process.exit(1);
}

// Much of a test is waiting for disks, processes and npm: two at once pay off even on a single core.
const concurrency = Math.max(2, os.availableParallelism());
const summary = process.env.CI ? path.join(fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-test-")), "summary.tap") : undefined;
const report = (reporter, destination) => [`--test-reporter=${reporter}`, `--test-reporter-destination=${destination}`];
const options = [
  "--enable-source-maps",
  `--test-concurrency=${concurrency}`,
  `--test-timeout=${FILE_TIMEOUT_MS}`,
  ...report("spec", "stdout"),
  ...(summary ? report("tap", summary) : []),
  ...args.filter((arg) => arg.startsWith("--")),
];

const child = spawn(process.execPath, ["--test", ...options, ...files], { cwd: ROOT, stdio: "inherit" });
// The terminal sends Ctrl-C to both: stay until the runner has ended its tests. Another's SIGTERM is passed on.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => {
  if (summary) printSummary(summary);
  process.exitCode = code ?? 128 + os.constants.signals[signal];
});

/** The closing lines "# tests 12", "# pass 12", ... for programs that read a CI log. */
function printSummary(file) {
  const lines = fs.readFileSync(file, "utf8").trimEnd().split("\n");
  console.log(lines.slice(lines.findLastIndex((line) => !line.startsWith("# ")) + 1).join("\n"));
  fs.rmSync(path.dirname(file), { recursive: true });
}
