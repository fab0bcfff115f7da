/** The sweeps of `holdfast prove`, with a bar while they run and a table at the end. */
import { type BuiltinResult, builtinSweeps, runBuiltinSweeps } from "../sim/index.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { countText, tableLines } from "./table.ts";

/** Runs the built-in sweeps; true if no promise was broken and every control was caught. */
export async function prove(seed: number, output: Output, signal: AbortSignal): Promise<boolean> {
  const progress = new Progress({ label: "sweeps", hidden: output.json });
  const total = builtinSweeps.length;
  let done = 0;
  progress.update({ done, total });
  const results = await runBuiltinSweeps(
    ({ name }) => {
      signal.throwIfAborted();
      progress.update({ done: ++done, total, text: name });
    },
    { seed },
  ).finally(() => progress.end());

  const rows = results.map(({ name, report, ...result }) => [
    name,
    report.crashPoints,
    report.states,
    report.violations,
    verdictOf(result),
  ]);
  for (const line of tableLines(["program", "crash points", "states", "violations", "verdict"], rows)) output.line(line);
  output.line();
  const failed = results.filter(({ ok }) => !ok);
  for (const { name, report } of failed) output.line(`${name}: ${report.text}\n`);
  const holds = failed.length === 0;
  const states = results.reduce((sum, { report }) => sum + report.states, 0);
  if (holds) output.line(`${countText(states)} states: no promise is broken, and every control was caught.`);
  output.result({ type: "proof", holds, seed, states, results: results.map(forPrograms) });
  return holds;
}

function verdictOf({ ok, expectViolations }: Pick<BuiltinResult, "expectViolations" | "ok">): string {
  if (expectViolations) return ok ? "caught" : "NOT CAUGHT";
  return ok ? "holds" : "BROKEN";
}

function forPrograms({ name, description, expectViolations, ok, report }: BuiltinResult): Readonly<Record<string, unknown>> {
  const { profile, crashPoints, states, violations, smallest, text } = report;
  const found = smallest ? { message: smallest.message, trace: text } : {};
  return { name, description, control: expectViolations, ok, profile, crashPoints, states, violations, ...found };
}
