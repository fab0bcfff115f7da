/** The results of trials as a table, with a line for each that is not as it has to be. */
import { tableLines } from "../table.ts";
import type { TrialResult } from "./trial.ts";

const HEADINGS = ["file system", "protocol", "images", "checks", "violations", "verdict"];

/** One row for each trial. */
export function trialTable(results: readonly TrialResult[]): string[] {
  const rows = results.map((result) => [
    result.fileSystem,
    trialName(result),
    result.images,
    result.checks,
    result.violations,
    trialVerdict(result),
  ]);
  return tableLines(HEADINGS, rows);
}

/** What was tried: the protocol, and what was done to it. */
function trialName({ program, method, control }: TrialResult): string {
  if (control) return `${program}, ${control}`;
  return method === "power-cut" ? `${program}, power cut` : program;
}

function trialVerdict({ ok, outside, control, violations }: TrialResult): string {
  if (outside.length > 0) return "OUTSIDE MODEL";
  if (!control) return ok ? "holds" : "BROKEN";
  if (violations > 0) return "caught";
  return ok ? "not shown" : "NOT CAUGHT";
}

/** What is wrong, for people who look into it. */
export function failureLines(results: readonly TrialResult[]): string[] {
  const failed = results.filter(({ ok }) => !ok);
  return failed.flatMap((result) => [
    `${result.fileSystem}, ${trialName(result)} (seed ${result.seed}): ${trialVerdict(result)}`,
    ...Object.entries(result.classes).map(([kind, count]) => `  ${count} x ${kind}`),
    ...result.outside.map((outcome) => `  not in the simulator's profile: ${outcome}`),
  ]);
}
