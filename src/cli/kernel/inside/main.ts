/** The first process of the private world (`namespace.ts`): trials on standard input, one line for each result. */
import { readFileSync } from "node:fs";
import { command } from "../command.ts";
import { FILE_SYSTEM_NAMES } from "../file-systems.ts";
import { makeFileSystem } from "../mounts.ts";
import { SparseDisk } from "../sparse-disk.ts";
import { runTrial, type Trial } from "../trial.ts";

/** Covered by a file system of our own, in memory, that is gone with this process. */
const WORK = "/dev/shm";

/** One after the other: btrfs takes two mounted copies of one file system for the same. */
async function lane(trials: readonly Trial[]): Promise<void> {
  const [first] = trials;
  if (!first) return;
  const image = `${WORK}/${first.fileSystem}`;
  await makeFileSystem(first.fileSystem, image);
  const blank = SparseDisk.load(image);
  for (const trial of trials) process.stdout.write(`${JSON.stringify(await runTrial(trial, blank, WORK))}\n`);
}

try {
  const trials = JSON.parse(readFileSync(0, "utf8")) as readonly Trial[];
  await command("mount", ["-t", "tmpfs", "-o", "mode=700", "holdfast", WORK]);
  await Promise.all(FILE_SYSTEM_NAMES.map((name) => lane(trials.filter(({ fileSystem }) => fileSystem === name))));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1); // and with it all that the others are doing
}
