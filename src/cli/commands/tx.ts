/** `holdfast tx apply ROOT`: a list of changes from standard input, all or nothing. */
import { type Command, Option } from "commander";
import type { Durability } from "../../index.ts";
import { transaction } from "../../tx/index.ts";
import { wholeNumber } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import { counted, standardInput } from "../input.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";
import { Progress } from "../progress.ts";
import { bytesText, countText } from "../table.ts";
import { applyChanges } from "../tx/changes.ts";

interface Options {
  readonly durability?: Durability;
  readonly lockTimeout?: number;
  readonly json?: boolean;
}

const AFTER_HELP = `
Standard input is a tar stream with files and directories, or a JSON list:
  {"write": PATH, "text": "..."}  or "base64"; also "mode", "ifAbsent": true
  {"makeDirectory": PATH}         nothing if it is there; also "mode": "755"
  {"remove": PATH}                a directory with content: "recursive": true
  {"rename": PATH, "to": PATH}    also "ifAbsent": true, for the new name
write, remove and rename also take "ifDigest": SHA256, of what must be there.
Paths are relative to ROOT. If a change fails, or the input is cut off, none is
made. What was interrupted by a crash is completed by the next tx apply.

Examples:
  tar -c -C build . | holdfast tx apply /srv/site
  echo '[{"write":"a","text":"1"},{"remove":"b"}]' | holdfast tx apply data`;

/** Adds the commands. */
export function addTx(program: Command, context: Context): void {
  program
    .command("tx")
    .summary("change many files, all or nothing")
    .description("Transactions: many files below one directory, all or nothing.")
    .command("apply")
    .summary("apply changes from standard input")
    .description("Applies the changes on standard input to the files below ROOT: all of them, or none.")
    .argument("<root>", "an existing directory")
    .addOption(
      new Option("--durability <level>", "what the changes survive (default: durable)").choices([
        "durable",
        "atomic",
        "volatile",
      ]),
    )
    .option(
      "--lock-timeout <ms>",
      "how long to wait for others that change the same files (default: 10000)",
      wholeNumber(0, 86_400_000),
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action(async (root: string, options: Options) => {
      await apply(root, options, context.signal);
      context.exit(EXIT.ok);
    });
}

async function apply(root: string, { json = false, durability, lockTimeout }: Options, signal: AbortSignal): Promise<void> {
  const output = outputOf(json);
  if (process.stdin.isTTY) output.note("holdfast: reading from the keyboard; end with ctrl-D");
  const progress = new Progress({ label: "reading", format: bytesText, afterMs: 1000, hidden: json || !process.stderr.isTTY });
  const input = counted(standardInput(), progress);
  try {
    const { value, notKept, ...result } = await transaction(root, (tx) => applyChanges(tx, input), {
      durability,
      lockTimeoutMs: lockTimeout,
      signal,
    });
    progress.end();
    const { superseded, kept } = result;
    output.line(`applied ${countText(value.changeCount)} changes to ${root} (${result.durability})`);
    for (const path of superseded) output.note(`holdfast: ${path} was changed by somebody else meanwhile, and left so`);
    for (const path of kept) output.note(`holdfast: what found no place is in ${path}`);
    for (const [path, what] of notKept) output.note(`holdfast: ${what.join(" and ")} of ${path} could not be kept`);
    output.result({ type: "applied", root, ...value, ...result, notKept: Object.fromEntries(notKept) });
  } finally {
    progress.end();
    process.stdin.destroy(); // a pipe that nobody reads to its end would keep the process alive
  }
}
