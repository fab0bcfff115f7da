/** `holdfast doctor PATH`: what Holdfast has left below a path, whose it is, and repair. */
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";

const AFTER_HELP = `
Looks at PATH and all below it. Without --repair nothing is changed. With it,
what dead processes left is removed, their commits are finished, and what is
damaged is moved to quarantine; what a live process has is never touched. What
is in quarantine is yours to look at and to remove.

--json prints one object a line: each thing, then the numbers ("diagnosis").

Exit codes: 0 nothing to repair   4 all of it repaired   3 something to repair,
            or damage that no repair mends   1 something could not be looked at,
            or not be repaired

Examples:
  holdfast doctor .                     what is there, and whose
  holdfast doctor --repair data         put it right
  holdfast doctor --json / | jq -r 'select(.state == "dead").path'`;

/** Adds the command. */
export function addDoctor(program: Command, context: Context): void {
  program
    .command("doctor")
    .summary("find what dead processes left, and repair it")
    .description("Finds everything of Holdfast below PATH: what it is, whose, and whether the owner lives.")
    .argument("<path>", "the directory to look into")
    .option("--repair", "remove, finish or quarantine what dead processes left")
    .option("--json", "print JSON, one object a line")
    .addHelpText("after", AFTER_HELP)
    .action(async (path: string, { repair = false, json = false }: { readonly repair?: boolean; readonly json?: boolean }) => {
      const { examine } = await import("../doctor.ts"); // only who asks pays for loading it
      const { failedCount, repairableCount, damagedCount, repairedCount } = await examine(
        path,
        repair,
        outputOf(json),
        context.signal,
      );
      if (failedCount > 0) context.exit(EXIT.failed);
      else if (repairableCount + damagedCount > 0) context.exit(EXIT.damage);
      else context.exit(repairedCount > 0 ? EXIT.repaired : EXIT.ok);
    });
}
