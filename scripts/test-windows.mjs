/**
 * `npm run test:windows`: the compiled tests with the Windows builds of Node, under Wine: the rules of Windows for open files,
 * answered by something that is not ours. What Wine answers otherwise than Windows is played through by the simulator, in
 * `npm test` (docs/FAULT-MODEL.md, WIN). Forms, words and `.results/windows.json` are as in test-nodes.mjs.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ensureBuilt, ensureInstalled, ensureTestsBuilt, orExit, ROOT } from "./ensure.mjs";
import { NoBuild, nodeBuild } from "./tiers/node-builds.mjs";
import { Results, secondsSince } from "./tiers/results.mjs";
import { countTests, testArguments, testFiles } from "./tiers/test-run.mjs";
import { ensureWine, Prefix } from "./tiers/wine.mjs";

const VERSIONS = ["20.20.2", "22.23.3", "24.21.0"];

const NOT_IN_SHORT_FORM = ["cli", "crash", "fault", "lock/orders.test.js", "sim"];
const RUN_TIMEOUT_MS = { short: 15 * 60_000, long: 90 * 60_000 };

/** What the tests need of the checkout. It is copied: Wine runs as a user who may not be able to read it. */
const NEEDED = ["package.json", "dist", "dist-test", "node_modules/commander", "node_modules/fast-check"];
const NEEDED_BY_THOSE = ["pure-rand", "valibot", "zod", "@msgpack", "geotiff", "@petamoriken", "lerc", "pako", "parse-headers"]
  .concat("quick-lru", "web-worker", "xml-utils", "zstddec")
  .map((name) => `node_modules/${name}`);
/** Data of formats that are read for ever. */
const FIXTURES = ["test/golden", "test/format/golden", "test/fixtures"];

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  ensureTestsBuilt();
});

const args = process.argv.slice(2);
const long = args.includes("--long");
const words = args.filter((arg) => !arg.startsWith("--"));
const form = long ? "long" : "short";
const results = new Results("windows", form, words.length === 0);
let stopped = false;
const lacking = ensureWine();
if (lacking) for (const version of VERSIONS) results.skip(nameOf(version), lacking);
else await withPrefix();
process.exitCode = stopped ? 130 : results.close();

async function withPrefix() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-windows-"));
  const prefix = new Prefix(dir);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => {
      stopped = true;
      prefix.end();
    });
  try {
    const project = path.join(dir, "project");
    for (const name of [...NEEDED, ...NEEDED_BY_THOSE, ...FIXTURES])
      fs.cpSync(path.join(ROOT, name), path.join(project, name), { recursive: true });
    fs.copyFileSync(path.join(ROOT, "scripts/tiers/reporter.mjs"), path.join(project, "reporter.mjs"));
    prefix.own(project);
    await prefix.create();
    for (const version of VERSIONS) if (!stopped) await onVersion(version, prefix, project);
  } catch (error) {
    if (!stopped) throw error; // else it is what came of the end of Wine
  } finally {
    prefix.remove();
  }
}

async function onVersion(version, prefix, project) {
  let build;
  try {
    build = await nodeBuild(version, "win32", "x64");
  } catch (error) {
    if (!(error instanceof NoBuild)) throw error;
    return results.skip(nameOf(version), error.message);
  }
  const began = Date.now();
  const node = prefix.adapt(build, version);
  const report = path.join(project, `${version}.ndjson`);
  const files = testFiles(long ? [] : NOT_IN_SHORT_FORM, words);
  const how = { reporter: "./reporter.mjs", destination: prefix.seen(report), form };
  const options = {
    cwd: project,
    env: { CI: "true", HOLDFAST_LONG: long ? "1" : "", HOLDFAST_WIDE: "1" },
    timeoutMs: RUN_TIMEOUT_MS[form],
  };
  const { code, output } = await prefix.run([node, ...testArguments(files, how)], options);
  prefix.end(); // what a failed test has left running
  if (stopped) return;
  if (!fs.existsSync(report)) throw new Error(`node ${version} ended with ${code} under Wine ${prefix.version}:\n${output}`);
  results.add(
    `${nameOf(version)} under Wine ${prefix.version}`,
    countTests(fs.readFileSync(report, "utf8"), code),
    secondsSince(began),
  );
}

function nameOf(version) {
  return `node ${version} for Windows`;
}
