#!/usr/bin/env node
/** From the arguments to a command, and from what became of it to the end of the process. */
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { cancelOnSignals, OUTPUT_CLOSED } from "./cancel.ts";
import { type Ending, end } from "./ending.ts";
import { EXIT } from "./exit-codes.ts";
import { toFailure } from "./failure.ts";
import { reportFailure } from "./output.ts";
import { createProgram } from "./program.ts";

async function main(args: readonly string[]): Promise<Ending> {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const cancellation = cancelOnSignals();
  const { signal } = cancellation;
  let ending: Ending = EXIT.ok;
  const exit = (how: Ending): void => {
    ending = how;
  };
  try {
    const program = createProgram({ version, ...cancellation, exit });
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return ending;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok; // help or version was asked for
    const failure = toFailure(error, signal.aborted);
    if (signal.reason !== OUTPUT_CLOSED) reportFailure(failure, optionsOf(args).includes("--json"));
    return failure.exitCode;
  }
}

/** What comes after `--` is not ours. */
function optionsOf(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}

end(await main(process.argv.slice(2)));
