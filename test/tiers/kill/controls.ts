/** Negative controls: operations that break a promise, each of which the tier has to find. */
import fs from "node:fs";
import path from "node:path";
import { HoldfastError, isHoldfastError, type Outcome, writeFile } from "holdfast";
import type { Scenario } from "./scenario.ts";

/** A broken operation, and what has to be said of it. */
export interface Control extends Scenario {
  readonly finds: RegExp;
}

const OLD = "the old content";
const NEW = "the new content";
const fileIn = (dir: string): string => path.join(dir, "file");

const broken = (name: string, finds: RegExp, run: Scenario["run"]): Control => ({
  name,
  module: import.meta.url,
  finds,
  setup: (dir) => fs.writeFileSync(fileIn(dir), OLD),
  run,
  observe: (dir) => fs.readFileSync(fileIn(dir), "utf8"),
  states: [OLD, NEW],
});

/** Says of every failure that `outcome` is what is on disk. */
async function claiming(outcome: Outcome, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw isHoldfastError(error) ? error.settled(outcome) : error;
  }
}

export const SCENARIOS: readonly Control[] = [
  broken("a write in place", /killed .*: 0 acknowledged, but a reader sees ""/, (dir) => fs.writeFileSync(fileIn(dir), NEW)),
  broken("a write past the seam", /without a request/, (dir) => fs.writeFileSync(fileIn(dir), NEW)),
  broken("a temporary file of nobody", /left behind/, (dir) => {
    const temporary = path.join(dir, `file.tmp-${process.hrtime.bigint()}`);
    fs.writeFileSync(temporary, NEW);
    fs.renameSync(temporary, fileIn(dir));
  }),
  broken("an early acknowledgement", /killed .*: 1 acknowledged, but a reader sees/, async (dir, acknowledge) => {
    acknowledge();
    await writeFile(fileIn(dir), NEW);
  }),
  broken("a failure said to have changed nothing", /says "unchanged", but a reader sees/, (dir) =>
    claiming("unchanged", writeFile(fileIn(dir), NEW)),
  ),
  broken("a failure said to be a success", /says "committed", but a reader sees/, (dir) =>
    claiming("committed", writeFile(fileIn(dir), NEW)),
  ),
  broken("a swallowed failure", /succeeds, but a reader sees/, (dir) => writeFile(fileIn(dir), NEW).catch(() => {})),
  broken("a failure with another code", /with the code/, (dir) =>
    writeFile(fileIn(dir), NEW).catch((error: unknown) => {
      throw isHoldfastError(error) ? new HoldfastError("BUSY", { outcome: error.outcome }) : error;
    }),
  ),
  broken("a descriptor left open", /stays open/, async (dir) => {
    const file = fs.openSync(fileIn(dir), "r");
    await writeFile(fileIn(dir), NEW);
    fs.closeSync(file);
  }),
];
