/** `holdfast checkpoint ...`: what a job has saved, for people and scripts. */
import type { Command } from "commander";
import { wholeNumber } from "../arguments.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";

interface Options {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly to?: number;
}

const AFTER_HELP = `
PATH is the directory that was given to Checkpoint.open. show, verify and
history only read, and may be used while the job runs; rollback and clear take
its lock, and are refused (exit code 11) while it runs.

Options of the commands:
  --json     print JSON
  --watch    of show: a progress bar for as long as the job runs
  --to <n>   of rollback: the generation to go back to

Exit codes: 0 ok   1 failed, or there is no state   3 damage found
            11 a run has it

Examples:
  holdfast checkpoint show job                 how far it is, and who runs it
  holdfast checkpoint show --json job | jq .state
  holdfast checkpoint show --watch job         until the job ends
  holdfast checkpoint verify job || echo damaged
  holdfast checkpoint rollback --to 41 job     go on from generation 41
  holdfast checkpoint clear job                start anew`;

const HELP: Readonly<Record<string, readonly [summary: string, example: string]>> = {
  show: ["the newest state, how far it is, and who runs the job", "holdfast checkpoint show --watch job"],
  verify: ["read every generation whole, and say which are damaged", "holdfast checkpoint verify --json job"],
  history: ["all generations, the newest first", "holdfast checkpoint history job"],
  rollback: ["make an older state the newest", "holdfast checkpoint rollback --to 41 job"],
  clear: ["forget the state; what is damaged is kept aside", "holdfast checkpoint clear job"],
};

const GENERATION_MAX = 2 ** 53 - 1;

/** Adds the commands. */
export function addCheckpoint(program: Command, context: Context): void {
  const group = program
    .command("checkpoint")
    .summary("look at the saved progress of a job, go back, start anew")
    .description("What a job has saved: how far it is, whether it is whole, and how to go back.")
    .addHelpText("after", AFTER_HELP);
  const add = (name: string): Command => {
    const [summary = "", example = ""] = HELP[name] ?? [];
    const command = group
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .argument("<path>", "the directory of the checkpoint")
      .option("--json", "print JSON")
      .addHelpText("after", `\nExamples:\n  ${example}`);
    return command.action(async (path: string, { json = false, ...options }: Options) => {
      const commands = await import("../checkpoint.ts"); // only who asks pays for loading it
      const run = commands[name as "clear" | "history" | "rollback" | "show" | "verify"];
      context.exit(await run(path, options, outputOf(json), context.signal));
    });
  };
  add("show").option("--watch", "a progress bar for as long as the job runs");
  add("verify");
  add("history");
  add("rollback").option("--to <n>", "the generation to go back to", wholeNumber(1, GENERATION_MAX));
  add("clear");
}
