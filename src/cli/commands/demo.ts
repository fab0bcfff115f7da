/** `holdfast demo [DIRECTORY]`: what Holdfast is for, shown on real files in half a minute. */
import { randomInt } from "node:crypto";
import { statSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { seedNumber, wholeNumber } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";

interface Options {
  readonly seconds: number;
  readonly seed?: number;
  readonly json?: boolean;
}

const SECONDS_DEFAULT = 30;
const SECONDS_MAX = 3600;
/** Seeds that are drawn are short enough to be typed again. */
const SEED_DRAWN_MAX = 1_000_000;

const AFTER_HELP = `
Saves the files of the git checkout around DIRECTORY (default: here), to a
temporary directory, with Holdfast and three other writers. The checkout is only
read. Exit code 3 if Holdfast loses or tears anything.

Examples:
  holdfast demo                    half a minute
  holdfast demo --seconds 300      a longer storm
  holdfast demo ~/project --json   one JSON object at the end`;

/** Adds the command. */
export function addDemo(program: Command, context: Context): void {
  program
    .command("demo")
    .summary("see what it is good for, on your own files")
    .description("Full disk, power cut, kill -9: Holdfast and three other writers, side by side.")
    .argument("[directory]", "whose files to save", directory)
    .option("--seconds <n>", "how long in all, about", wholeNumber(1, SECONDS_MAX), SECONDS_DEFAULT)
    .option("--seed <n>", "repeat the random choices of a run", seedNumber)
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action(async (given: string | undefined, { seconds, seed = randomInt(SEED_DRAWN_MAX), json = false }: Options) => {
      const output = outputOf(json);
      const { runDemo } = await import("../demo/run-demo.ts"); // only who sees it pays for loading the simulator
      const holds = await runDemo({ ...context, directory: given, seconds, seed, output });
      context.exit(holds ? EXIT.ok : EXIT.damage);
    });
}

function directory(text: string): string {
  if (!statSync(text, { throwIfNoEntry: false })?.isDirectory()) throw new InvalidArgumentError("There is no such directory.");
  return text;
}
