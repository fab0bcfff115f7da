/**
 * `npm run guarantees`: takes over what the last whole runs of the tiers have shown into test/tiers/results/, and writes
 * docs/GUARANTEES.md. Run the tiers before: `npm run test:kill`, `test:kernel`, `test:windows`, `test:nodes`.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ensureBuilt, ensureInstalled, orExit, ROOT } from "./ensure.mjs";

const TIERS = ["kernel", "kill", "nodes", "windows"];

orExit(() => {
  ensureInstalled();
  ensureBuilt();
});

const results = path.join(ROOT, "test/tiers/results");
fs.mkdirSync(results, { recursive: true });
for (const tier of TIERS) {
  const from = path.join(ROOT, ".results", `${tier}.json`);
  if (fs.existsSync(from)) fs.copyFileSync(from, path.join(results, `${tier}.json`));
  else console.error(`holdfast: no results of ${tier} here; test/tiers/results/${tier}.json stays as it is`);
}
const { status, stdout } = node("dist/cli/main.js", "prove", "--json");
if (status !== 0) process.exit(1);
const { results: proofs, ...proof } = JSON.parse(stdout);
const kept = proofs.map(({ message, trace, ...result }) => result); // what a violation looks like is not for the page
fs.writeFileSync(path.join(results, "prove.json"), `${JSON.stringify({ ...proof, results: kept }, null, 2)}\n`);
process.exitCode = node("scripts/docs.mjs").status;

function node(...args) {
  return spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}
