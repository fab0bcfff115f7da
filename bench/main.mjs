/**
 * `npm run bench`: what Holdfast costs, as ratios within one run, on this machine. `npm run bench -- WORD...` runs the
 * benchmarks whose name contains one of the words; `--json` prints one object.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { checkpoint } from "./benchmarks/checkpoint.mjs";
import { descriptors } from "./benchmarks/descriptors.mjs";
import { directory } from "./benchmarks/directory.mjs";
import { doctor } from "./benchmarks/doctor.mjs";
import { importTime } from "./benchmarks/import.mjs";
import { lock } from "./benchmarks/lock.mjs";
import { log } from "./benchmarks/log.mjs";
import { replace } from "./benchmarks/replace.mjs";
import { seam } from "./benchmarks/seam.mjs";
import { stream } from "./benchmarks/stream.mjs";
import { tiles } from "./benchmarks/tiles.mjs";
import { together } from "./benchmarks/together.mjs";
import { transaction } from "./benchmarks/transaction.mjs";
import { holdfast } from "./library.mjs";

const BENCHMARKS = {
  replace,
  together,
  directory,
  seam,
  lock,
  log,
  checkpoint,
  transaction,
  tiles,
  import: importTime,
  stream,
  descriptors,
  doctor,
};

const args = process.argv.slice(2);
const json = args.includes("--json");
const words = args.filter((arg) => !arg.startsWith("--"));
const chosen = Object.keys(BENCHMARKS).filter((name) => words.length === 0 || words.some((word) => name.includes(word)));
const say = (line = "") => void (json || console.log(line));

/** The system's place for temporary files, unless that is memory only. */
async function workDir() {
  const here = await holdfast.capabilities(os.tmpdir());
  const parent = here.durability === "volatile" ? process.cwd() : os.tmpdir();
  const { fileSystem } = await holdfast.capabilities(parent);
  return { dir: fs.mkdtempSync(path.join(parent, "holdfast-bench-")), fileSystem };
}

const { dir, fileSystem } = await workDir();
process.on("exit", () => fs.rmSync(dir, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

const machine = {
  node: process.version,
  platform: `${process.platform} ${os.release()} ${process.arch}`,
  cpu: os.cpus()[0]?.model ?? "unknown",
  cpus: os.cpus().length,
  fileSystem,
};
say(`Node ${machine.node}, ${machine.platform}, ${machine.cpus} x ${machine.cpu}, ${fileSystem}`);
say("Medians; what is compared takes turns within this run, so ratios tell more than times.");
say();

const results = [];
let commitMs;
for (const name of chosen) {
  const own = path.join(dir, name);
  fs.mkdirSync(own);
  for (const result of await BENCHMARKS[name]({ dir: own, commitMs })) {
    commitMs ??= result.details?.ms;
    results.push(result);
    const { id, value, unit, target, met, note } = result;
    const verdict = met === undefined ? "" : met ? "met" : "MISSED";
    say(`${id.padEnd(46)} ${`${value ?? "-"} ${unit}`.padEnd(17)} ${target ? `${target.padEnd(8)} ${verdict}` : ""}`.trimEnd());
    if (note) say(`    ${note}`);
  }
}
if (json) console.log(JSON.stringify({ type: "bench", machine, results }));
