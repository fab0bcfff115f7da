/** One run of compiled tests by some build of Node, counted. */
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "../ensure.mjs";

const FILE_TIMEOUT_MS = { short: 5 * 60_000, long: 30 * 60_000 };

/** Tests of the repository, not of the library: what they look at is the same on every Node. */
const OF_REPOSITORY = ["api.test.js", "docs.test.js", "guarantees.test.js", "package.test.js", "tidy.test.js"];

/** The compiled test files, as paths below `dist-test`, without those in `leftOut` (files or folders). */
export function testFiles(leftOut = [], words = []) {
  const files = fs
    .readdirSync(path.join(ROOT, "dist-test"), { recursive: true })
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => file.endsWith(".test.js"))
    .filter((file) => ![...OF_REPOSITORY, ...leftOut].some((out) => file === out || file.startsWith(`${out}/`)))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
  if (files.length > 0) return files;
  console.error(`holdfast: no test file that is run here contains ${words.join(" or ")}`);
  process.exit(2); // without a file the runner would look for all that there are
}

/** Arguments for node; `asSeen` gives a path in the form that this build of Node understands. */
export function testArguments(files, { reporter, destination, form, concurrency = 2 }) {
  return [
    "--test",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${FILE_TIMEOUT_MS[form]}`,
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${destination}`,
    ...files.map((file) => `dist-test/${file}`),
  ];
}

/** What the reporter has written: counts by file, the reasons of skips, the notes of tests, and the failures. */
export function countTests(text, exitCode) {
  const run = { passed: 0, failed: 0, skipped: 0, files: {}, skips: {}, notes: [] };
  const failures = [];
  for (const line of text.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"))) {
    const { file: found, name, outcome, why, error, note } = JSON.parse(line);
    const file = found
      .replace(/\\/g, "/")
      .replace(/^.*dist-test\//, "")
      .replace(/\.test\.js$/, "");
    if (note !== undefined) {
      run.notes.push(`${file}: ${note}`);
      continue;
    }
    run.files[file] ??= { passed: 0, failed: 0, skipped: 0 };
    run.files[file][outcome]++;
    run[outcome]++;
    if (why) run.skips[why] = (run.skips[why] ?? 0) + 1;
    if (error) failures.push({ file, name, error });
  }
  // No result is no success: a runner that was killed, or that has found no test.
  if ((exitCode !== 0 && run.failed === 0) || run.passed + run.skipped + run.failed === 0) {
    run.failed++;
    failures.push({ file: "", name: "the test runner", error: `ended with ${exitCode}, without a failed test` });
  }
  return { run, failures };
}

/** Kills what is left of the process group that `child` was started as (`detached`). */
export function endGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // nothing is left
  }
}
