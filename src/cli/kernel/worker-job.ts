/** What the process that writes is to do, and how it is started. */
import { fileURLToPath } from "node:url";
import { command } from "./command.ts";
import type { Sabotage } from "./controls.ts";

/** One run of a protocol or of a litmus test, or the recovery after its crash. */
export interface WorkerJob {
  readonly protocol: string;
  readonly part: "recover" | "run";
  readonly dir: string;
  /** The barrier that is broken. */
  readonly sabotage?: Sabotage | undefined;
  /** A file of somebody else's that is written and synced now and then, which makes the file system write: `always`, or only between acknowledgements. */
  readonly bystander?: { readonly file: string; readonly always: boolean } | undefined;
  /** Where acknowledgements are marked. */
  readonly mark?: string | undefined;
  /** After so many acknowledgements, the power of the file system is cut. */
  readonly cutAfter?: number | undefined;
}

const MAIN = fileURLToPath(new URL("worker/main.js", import.meta.url));

/** Runs it to its end; gives what was acknowledged. */
export async function runWorker(job: WorkerJob): Promise<string[]> {
  const said = await command(process.execPath, [MAIN, JSON.stringify(job)]);
  return said.split("\n").filter((line) => line !== "");
}
