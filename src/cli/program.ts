/** The command line as commander sees it: names, options, help. */
import { Command } from "commander";
import type { Cancellation } from "./cancel.ts";
import { addCheckpoint } from "./commands/checkpoint.ts";
import { addDemo } from "./commands/demo.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addLog } from "./commands/log.ts";
import { addProve } from "./commands/prove.ts";
import { addRun } from "./commands/run.ts";
import { addTiles } from "./commands/tiles.ts";
import { addTx } from "./commands/tx.ts";
import { addWrite } from "./commands/write.ts";
import type { Ending } from "./ending.ts";

/** What every command is given. */
export interface Context extends Cancellation {
  readonly version: string;
  /** Says how the command has ended, if it does not throw. */
  readonly exit: (ending: Ending) => void;
}

const AFTER_HELP = `
Examples:
  holdfast demo                     see what it is good for, in half a minute
  sort a | holdfast write a         a is the old or the new file, never half
  holdfast run --out b -- sh -c 'sort a > "$HOLDFAST_OUT"'
                                    b is replaced only if the command succeeds
  holdfast checkpoint show job      how far a long job is
  holdfast doctor .                 what dead processes left here
  holdfast tiles build a.tif a.vrt  a GeoTIFF as tiles and a GDAL index, as one
  holdfast prove                    every crash state of every write protocol

Exit codes:
  0 ok   1 failed   2 wrong usage   3 damage found   4 damage repaired
  11 locked by somebody else   130 cancelled   run: that of its command`;

/** All commands. */
export function createProgram(context: Context): Command {
  const program = new Command("holdfast")
    .description("Keeps files whole: atomic, durable file writes, proved in a crash simulator.")
    .version(context.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", AFTER_HELP)
    .configureOutput({ outputError: () => {} }) // main.ts says what failed, as text or as JSON
    .exitOverride();
  addWrite(program, context);
  addRun(program, context);
  addCheckpoint(program, context);
  addTx(program, context);
  addDoctor(program, context);
  addLog(program, context);
  addTiles(program, context);
  addProve(program, context);
  addDemo(program, context);
  return program;
}
