/** `holdfast run --out PATH... -- COMMAND`: what a command makes is published if the command succeeds, else not at all. */
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Durability, stageOutput } from "../../index.ts";
import { runCommand } from "../child.ts";
import type { Ending } from "../ending.ts";
import { EXIT } from "../exit-codes.ts";
import { reportFailure } from "../output.ts";
import { checkPlaceholders, environmentWith, fillIn } from "../placeholders.ts";
import type { Context } from "../program.ts";
import { type NamedOutput, publishAll } from "../publish-all.ts";
import { reportRun } from "../report-run.ts";

interface Options {
  readonly out: readonly string[];
  readonly replace?: boolean;
  readonly parents?: boolean;
  readonly durability?: Durability;
  readonly strict?: boolean;
  readonly json?: boolean;
}

const AFTER_HELP = `
In the arguments of the command, {out} becomes a private place beside PATH, with
the name of PATH; {out1}, {out2} are those of the first and the second PATH. The
variables HOLDFAST_OUT, HOLDFAST_OUT_1, HOLDFAST_OUT_2 have them too. Nothing is
there yet: the command makes a file or a directory of it. What it makes beside
it is removed.

If the command exits with 0 and all outputs are there, they are published. If
not, every PATH stays as it was. Each output is old or new, never half. Several
are published one after the other, so together they are not one step; if one
can't be published, it is said which ones were.

The exit code is the command's; if a signal ends the command, it ends this too.
126 and 127: the command can't be started. 1 after it has succeeded: not all was
published; 1 or 2 before it has run: it is said why. SIGTERM and SIGHUP go on to
the command, which decides when to end; SIGINT and SIGQUIT too, unless they come
from a terminal, which sends them to the command itself. Standard input and
output are the command's: what this says, with --json too, is on standard error.

On Windows a command that is a script (.cmd, .bat) needs: -- cmd /c NAME ...

Examples:
  holdfast run --out app -- cc -o {out} main.c
  holdfast run --out dist --replace -- npx tsc --outDir {out}
  holdfast run --out sorted -- sh -c 'sort words > "$HOLDFAST_OUT"'
  holdfast run --out a.o a.d -- cc -c -MD -MF {out2} -o {out1} a.c`;

/** Adds the command. */
export function addRun(program: Command, context: Context): void {
  program
    .command("run")
    .summary("run a command, and publish its outputs only if it succeeds")
    .description("Runs a command with its outputs in a private place; publishes them if it exits with 0.")
    .usage("--out <path...> [options] -- <command...>")
    .argument("<command...>", "what to run; all of it stands after --")
    .requiredOption("--out <path...>", "what the command makes: files or directories")
    .option("--replace", "a directory with content may be replaced (default: EXISTS)")
    .option("--parents", "make missing directories above the outputs")
    .addOption(
      new Option("--durability <level>", "what the outputs survive (default: durable)").choices([
        "durable",
        "atomic",
        "volatile",
      ]),
    )
    .option("--strict", "fail where the durability can't be reached")
    .option("--json", "print one JSON object at the end, to standard error")
    .addHelpText("after", AFTER_HELP)
    .action(async (command: readonly string[], options: Options) => context.exit(await run(command, options, context)));
}

async function run(command: readonly string[], options: Options, context: Context): Promise<Ending> {
  const { out, json = false, ...how } = options;
  checkPlaceholders(command, out.length);
  refuseOverlap(out);
  const { signal } = context;
  const outputs: NamedOutput[] = [];
  try {
    for (const path of out) outputs.push({ path, staged: await stageOutput(path, { ...how, signal }) });
    signal.throwIfAborted();
    const places = outputs.map(({ staged }) => staged.path);
    const ending = await runCommand(fillIn(command, places), environmentWith(places, process.env), context);
    if (typeof ending === "object") {
      reportFailure({ ...ending, outcome: "unchanged", path: undefined, stack: undefined }, json);
      return ending.exitCode;
    }
    const publication = ending === EXIT.ok ? await publishAll(outputs, signal) : undefined;
    reportRun({ command: command[0] ?? "", ending, out, publication }, json);
    return publication?.failure?.exitCode ?? ending;
  } finally {
    // What can't be removed now is removed by the next use beside it.
    await Promise.allSettled(outputs.map(({ staged }) => staged.discard()));
  }
}

/** The one that is published last would take the place of the other, or of what it is in. */
function refuseOverlap(out: readonly string[]): void {
  const paths = out.map((each) => path.resolve(each));
  for (const [index, inner] of paths.entries()) {
    const outer = paths.findIndex((other, at) => at !== index && `${inner}${path.sep}`.startsWith(`${other}${path.sep}`));
    if (outer >= 0) throw new InvalidArgumentError(`one output can't be in another, or the same: ${out[outer]}, ${out[index]}`);
  }
}
