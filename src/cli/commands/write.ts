/** `holdfast write FILE`: standard input to a file, all or nothing. */
import { type Command, Option } from "commander";
import { type Durability, type SymlinkPolicy, type WriteFileOptions, writeFile } from "../../index.ts";
import { octalMode } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import { counted, standardInput } from "../input.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";
import { Progress } from "../progress.ts";
import { bytesText, countText } from "../table.ts";

interface Options {
  readonly mode?: number;
  readonly durability?: Durability;
  readonly symlink?: SymlinkPolicy;
  readonly ifAbsent?: boolean;
  readonly parents?: boolean;
  readonly strict?: boolean;
  readonly json?: boolean;
}

const AFTER_HELP = `
FILE is replaced when the input has ended; until then, and if anything fails, it
stays as it was. A producer that fails ends its output like one that is done; if
that matters: producer > part && holdfast write FILE < part

Examples:
  sort a.txt | holdfast write a.txt          one file may be read and written
  holdfast write --mode 600 token < t        these permissions from the start
  holdfast write --if-absent id < new        exit code 1 (EXISTS) if it is there
  holdfast write --json --parents x/y/z < a  {"type":"written","sizeBytes":...}`;

/** Adds the command. */
export function addWrite(program: Command, context: Context): void {
  program
    .command("write")
    .summary("write standard input to a file, all or nothing")
    .description("Writes standard input to FILE: the old content or the new, whatever happens.")
    .argument("<file>", "the file to write")
    .option("--mode <octal>", "permission bits (default: those of the old file)", octalMode)
    .addOption(
      new Option("--durability <level>", "what the new content survives (default: durable)").choices([
        "durable",
        "atomic",
        "volatile",
      ]),
    )
    .addOption(new Option("--symlink <policy>", "if FILE is a link (default: follow)").choices(["follow", "replace", "refuse"]))
    .option("--if-absent", "fail if FILE exists")
    .option("--parents", "make missing directories")
    .option("--strict", "fail where the durability can't be reached")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action(async (file: string, options: Options) => {
      await write(file, options, context.signal);
      context.exit(EXIT.ok);
    });
}

async function write(file: string, { json = false, ...options }: Options, signal: AbortSignal): Promise<void> {
  const output = outputOf(json);
  if (process.stdin.isTTY) output.note("holdfast: reading from the keyboard; end with ctrl-D");
  const progress = new Progress({ label: "reading", format: bytesText, afterMs: 1000, hidden: json || !process.stderr.isTTY });
  const given: WriteFileOptions = { ...options, signal };
  try {
    const result = await writeFile(file, counted(standardInput(), progress), given);
    progress.end();
    output.line(`wrote ${countText(result.sizeBytes)} bytes to ${file} (${result.durability})`);
    for (const what of result.notKept) output.note(`holdfast: the old file's ${what} could not be kept`);
    output.result({ type: "written", path: file, ...result });
  } finally {
    progress.end();
    process.stdin.destroy(); // a pipe that nobody reads to its end would keep the process alive
  }
}
