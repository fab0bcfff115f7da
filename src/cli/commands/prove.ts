/** `holdfast prove`: the write protocols in the crash simulator, on the user's own machine. */
import type { Command } from "commander";
import { seedNumber } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";

const AFTER_HELP = `
Runs every write protocol of Holdfast, as it ships, on a simulated disk, and
visits each state that a kill or a power cut could leave. Controls are the same
protocols with one barrier broken on purpose: they must be caught. Exit code 3
if a promise is broken, or a control is not caught.

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
      const { prove } = await import("../prove.ts"); // only who proves pays for loading the simulator
      const holds = await prove(seed, outputOf(json), context.signal);
      context.exit(holds ? EXIT.ok : EXIT.damage);
    });
}
