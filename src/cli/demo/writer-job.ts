/** What the demo's writer is to do, and how it is started. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** One file once, or all files round after round. */
export type WriterJob =
  | { readonly kind: "one"; readonly contender: string; readonly from: string; readonly to: string }
  | {
      readonly kind: "rounds";
      readonly contender: string;
      /** Directory with the real files' bytes, named by index. */
      readonly from: string;
      /** Directory to save into. */
      readonly to: string;
      /** JSON list of names below `to`. */
      readonly namesFile: string;
      /** Indices of the files to save, in this order. */
      readonly order: readonly number[];
      readonly firstVersion: number;
      readonly rounds: number;
    };

/** A running writer. */
export interface Writer {
  /** Calls `listen` with every line that it says. */
  readonly onLine: (listen: (line: string) => void) => void;
  readonly kill: () => void;
  /** Settles when the process is gone and all that it said has been heard. */
  readonly gone: Promise<WriterEnd>;
}

/** How a writer ended. */
export interface WriterEnd {
  readonly code: number | null;
  readonly stderr: string;
}

const STDERR_CHARACTERS_MAX = 2000;
const MAIN = fileURLToPath(new URL("writer/main.js", import.meta.url));

/**
 * Starts a writer; it is killed when `signal` aborts. With `fileBlocksMax` no file that it writes can grow beyond so many
 * blocks (`ulimit -f`; of 512 bytes or 1024, as the shell counts), as if the disk were full.
 */
export function startWriter(job: WriterJob, signal: AbortSignal, fileBlocksMax?: number): Writer {
  const command = [process.execPath, MAIN, JSON.stringify(job)];
  const limited = ["sh", "-c", `ulimit -f ${fileBlocksMax}; exec "$@"`, "sh", ...command];
  const [file = "", ...args] = fileBlocksMax === undefined ? command : limited;
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  const listeners: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    for (const listen of listeners) listen(line);
  });
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  const gone = ended(child).finally(() => signal.removeEventListener("abort", kill));
  return { onLine: (listen) => void listeners.push(listen), kill, gone };
}

async function ended(child: ChildProcess): Promise<WriterEnd> {
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    if (stderr.length < STDERR_CHARACTERS_MAX) stderr += String(chunk);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr };
}
