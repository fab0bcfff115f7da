/** What a tier says while it runs, at its end, and to `.results/`. */
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "../ensure.mjs";

const ERROR_LINES_MAX = 30;

export class Results {
  #runs = [];
  #began = Date.now();

  /** `tier`: the name of the file in `.results`; `form`: `short` or `long`; `whole`: whether there is to be a file. */
  constructor(tier, form, whole) {
    this.tier = tier;
    this.form = form;
    this.whole = whole;
  }

  /** Adds a run under a name that people read, and says how it went. */
  add(name, { run, failures }, seconds) {
    this.#runs.push({ name, ...run, seconds });
    console.log(`${name}: ${counts(run)}, ${seconds} s`);
    for (const { file, name, error } of failures) console.log(`  FAILED ${file}: ${name}\n${indented(error)}`);
    const failed = new Set(failures.map(({ file }) => file));
    for (const note of run.notes) if (failed.has(note.split(": ")[0])) console.log(`  ${note}`); // seeds, for one
    for (const [why, count] of Object.entries(run.skips)) console.log(`  skipped ${count}: ${why}`);
  }

  /** Adds a run that could not be made. */
  skip(name, why) {
    const run = { passed: 0, failed: 0, skipped: 1, files: {}, skips: { [why]: 1 }, notes: [] };
    this.add(name, { run, failures: [] }, 0);
  }

  /** Writes the file, prints the closing line, and returns the exit code. */
  close() {
    const sum = { passed: 0, failed: 0, skipped: 0 };
    for (const run of this.#runs) for (const outcome of Object.keys(sum)) sum[outcome] += run[outcome];
    const all = { tier: this.tier, form: this.form, ...sum, seconds: secondsSince(this.#began), runs: this.#runs };
    if (this.whole) {
      fs.mkdirSync(path.join(ROOT, ".results"), { recursive: true });
      fs.writeFileSync(path.join(ROOT, ".results", `${this.tier}.json`), `${JSON.stringify(all, undefined, 2)}\n`);
    }
    console.log(counts(sum));
    return sum.failed > 0 ? 1 : 0;
  }
}

const counts = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;
const indented = (text) => text.split("\n", ERROR_LINES_MAX).join("\n").replace(/^/gm, "    ");

/** Whole seconds since a time of `Date.now()`. */
export function secondsSince(beganMs) {
  return Math.round((Date.now() - beganMs) / 1000);
}
