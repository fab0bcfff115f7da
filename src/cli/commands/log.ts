/** `holdfast log cat|verify|stat DIR`: what is in an append-only log. */
import type { Command } from "commander";
import { wholeNumber } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import type { CatOptions } from "../log.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";

const AFTER_HELP = `
Nothing is written, locked or repaired; other processes may append meanwhile.

Exit codes: 0 ok   1 failed   2 wrong usage   3 the log is damaged

Examples:
  holdfast log cat events                         all records, one a line
  holdfast log cat --from 1000 --follow events    from position 1000 on, and what comes
  holdfast log cat --json events | jq .utf8       with positions, as JSON
  holdfast log cat --null events | xargs -0 -n 1 echo
  holdfast log verify events                      reads everything
  holdfast log stat events                        segments, positions, sizes`;

/** Adds the commands. */
export function addLog(program: Command, context: Context): void {
  const log = program
    .command("log")
    .summary("look into an append-only log")
    .description("Reads the append-only log in a directory.")
    .addHelpText("after", AFTER_HELP);
  log
    .command("cat")
    .summary("print the records")
    .description("Prints the records of the log in DIR that are durable, each followed by a separator.")
    .argument("<dir>", "the directory of the log")
    .option("--from <position>", "begin at this position", wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option("-f, --follow", "wait for more until interrupted")
    .option("-s, --separator <text>", "what follows each record", "\n")
    .option("-0, --null", "a NUL follows each record")
    .option("--json", "print one object a line: position, and the record as utf8, or as base64 where it is no UTF-8")
    .addHelpText("after", AFTER_HELP)
    .action(async (dir: string, options: CatOptions) => {
      const { cat } = await import("../log.ts"); // only who asks pays for loading it
      await cat(dir, options, context.signal);
      context.exit(EXIT.ok);
    });
  log
    .command("verify")
    .summary("read everything, and say where it is damaged")
    .description("Reads all records and the snapshot of the log in DIR.")
    .argument("<dir>", "the directory of the log")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action(async (dir: string, { json = false }: { readonly json?: boolean }) => {
      const { verify } = await import("../log.ts");
      await verify(dir, outputOf(json), context.signal);
      context.exit(EXIT.ok);
    });
  log
    .command("stat")
    .summary("show segments, positions and sizes")
    .description("Shows what the log in DIR consists of.")
    .argument("<dir>", "the directory of the log")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action(async (dir: string, { json = false }: { readonly json?: boolean }) => {
      const { stat } = await import("../log.ts");
      await stat(dir, outputOf(json));
      context.exit(EXIT.ok);
    });
}
