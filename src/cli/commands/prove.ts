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

With --kernel, on real file systems instead: records all that reaches the disk
below ext4, XFS and btrfs, makes the disks that a power cut could have left,
and lets this machine's kernel mount each. "(cut)": a call cuts the power of the
file system right after each acknowledgement. Needs root, FUSE, loop devices and
mkfs.*; takes about a minute, in memory, and leaves nothing behind.

Examples:
  holdfast prove
  holdfast prove --seed 7 --json | jq .results
  sudo holdfast prove --kernel`;

interface ProveOptions {
  readonly seed: number;
  readonly kernel?: boolean;
  readonly json?: boolean;
}

/** Adds the command. */
export function addProve(program: Command, context: Context): void {
  program
    .command("prove")
    .summary("visit every crash state of every write protocol")
    .description("Proves the write protocols in the crash simulator or on real file systems, and that it can fail.")
    .option("--seed <n>", "choose other random names and samples", seedNumber, 1)
    .option("--kernel", "on this machine's kernel instead of in the simulator")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action(async ({ seed, kernel = false, json = false }: ProveOptions) => {
      // Only who proves pays for loading what it takes.
      const prove = kernel ? (await import("../prove-kernel.ts")).proveKernel : (await import("../prove.ts")).prove;
      const holds = await prove(seed, outputOf(json), context.signal);
      context.exit(holds ? EXIT.ok : EXIT.damage);
    });
}
