/**
 * The world in which everything happens: mounts and processes of its own, which nobody else sees and which the kernel takes
 * away as a whole when its first process dies. That one dies with us, however we end.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { HoldfastError } from "../../index.ts";
import type { Trial, TrialResult } from "./trial.ts";

const MAIN = fileURLToPath(new URL("inside/main.js", import.meta.url));
const STDERR_CHARACTERS_MAX = 2000;

/** The command that enters it. setpriv(1): killed when its parent dies; unshare(1): its child is killed when it dies. */
export const ENTER: readonly [string, ...string[]] = [
  ...(["setpriv", "--pdeathsig", "KILL"] as const),
  ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"],
];

/** Runs trials in it; tells of each when it is done. Nothing of it is left when this has ended. */
export async function runInside(
  trials: readonly Trial[],
  onResult: (result: TrialResult) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const [enter, ...args] = [...ENTER, process.execPath, MAIN];
  // Detached: Ctrl-C is for us alone. What there is to do goes through a pipe, as it may be long.
  const child = spawn(enter, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const stop = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", stop);
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => {
    if (stderr.length < STDERR_CHARACTERS_MAX) stderr += String(data);
  });
  child.stdin.on("error", () => {}); // it ended before it read: its exit code says so
  child.stdin.end(JSON.stringify(trials));
  createInterface({ input: child.stdout }).on("line", (line) => onResult(JSON.parse(line) as TrialResult));
  // "close": the last process of that world has closed its end of the pipes.
  const [code] = (await once(child, "close")) as [number | null];
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (code !== 0)
    throw new HoldfastError("IO", { what: `the trials on this kernel stopped: ${stderr.trim() || `exit code ${code}`}` });
}
