/** The results of trials as a table, with a line for each that is not as it has to be. */
import { tableLines } from "../table.ts";
import type { SkippedTrial } from "./run-trials.ts";
import type { TrialResult } from "./trial.ts";

const HEADINGS = ["file system", "protocol", "images", "violations", "verdict"];

/** One row for each trial. */
export function trialTable(results: readonly TrialResult[]): string[] {
  const rows = results.map((result) => [
    result.fileSystem,
    trialName(result),
    result.images,
    result.violations,
    trialVerdict(result),
  ]);
  return tableLines(HEADINGS, rows);
}

/** What was tried: the protocol, and what was done to it. */
function trialName({ protocol, method, control }: TrialResult): string {
  const how = method === "power-cut" ? `${protocol} (cut)` : protocol;
  return control ? `${how}, ${control}` : how;
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

/** What could not be tried: each reason once. */
export function skippedLines(skipped: readonly SkippedTrial[]): string[] {
  const counts = new Map<string, number>();
  for (const { missing } of skipped) counts.set(missing, (counts.get(missing) ?? 0) + 1);
  return [...counts].map(([missing, count]) => `${missing}: ${count} trials skipped`);
}
