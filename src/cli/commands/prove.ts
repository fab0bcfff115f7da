/** `holdfast prove`: the write protocols in the crash simulator, on the user's own machine. */
import type { Command } from "commander";
import { type BuiltinResult, builtinSweeps, runBuiltinSweeps } from "../../sim/index.ts";
import { seedNumber } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import { type Output, outputOf } from "../output.ts";
import type { Context } from "../program.ts";
import { Progress } from "../progress.ts";
import { countText, tableLines } from "../table.ts";

const AFTER_HELP = `
Runs every write protocol of Holdfast, as it ships, on a simulated disk; visits
each state that a kill or a power cut could leave; and looks whether a promise is
broken. Controls are the same protocols with one barrier broken on purpose: they
must be caught. Exit code 3 if a promise is broken, or a control is not caught.

Examples:
  holdfast prove
  holdfast prove --seed 7 --json | jq .results`;

/** Adds the command. */
export function addProve(program: Command, context: Context): void {
  program
    .command("prove")
    .summary("visit every crash state of every write protocol")
    .description("Proves the write protocols in the crash simulator, and that it can fail.")
    .option("--seed <n>", "choose other random names and samples", seedNumber, 1)
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action(async ({ seed, json = false }: { readonly seed: number; readonly json?: boolean }) => {
      const holds = await prove(seed, outputOf(json), context.signal);
      context.exit(holds ? EXIT.ok : EXIT.damage);
    });
}

async function prove(seed: number, output: Output, signal: AbortSignal): Promise<boolean> {
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
  if (expectViolations) return ok ? "caught, as it must be" : "NOT CAUGHT";
  return ok ? "holds" : "BROKEN";
}

function forPrograms({ name, description, expectViolations, ok, report }: BuiltinResult): Readonly<Record<string, unknown>> {
  const { profile, crashPoints, states, violations, smallest, text } = report;
  const found = smallest ? { message: smallest.message, trace: text } : {};
  return { name, description, control: expectViolations, ok, profile, crashPoints, states, violations, ...found };
}
