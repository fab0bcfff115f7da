#!/usr/bin/env node
/** From the arguments to a command, and from what became of it to the exit code, which is set nowhere else. */
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { cancelOnSignals, OUTPUT_CLOSED } from "./cancel.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { toFailure } from "./failure.ts";
import { reportFailure } from "./output.ts";
import { createProgram } from "./program.ts";

async function main(args: readonly string[]): Promise<ExitCode> {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const signal = cancelOnSignals();
  let exitCode: ExitCode = EXIT.ok;
  const exit = (code: ExitCode): void => {
    exitCode = code;
  };
  try {
    const program = createProgram({ version, signal, exit });
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok; // help or version was asked for
    const failure = toFailure(error, signal.aborted);
    if (signal.reason !== OUTPUT_CLOSED) reportFailure(failure, args.includes("--json"));
    return failure.exitCode;
  } finally {
    process.stdin.destroy(); // a pipe that nobody reads to its end would keep the process alive
  }
}

process.exitCode = await main(process.argv.slice(2));
