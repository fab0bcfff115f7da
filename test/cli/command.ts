/** The command line as its users start it: a process of its own. */
import assert from "node:assert/strict";
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const MAIN = path.join(ROOT, "dist/cli/main.js");

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has printed up to now. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<Ended>;
  /** Resolves once `text` has been printed on standard output. */
  readonly printed: (text: string) => Promise<void>;
}

/** Starts the command line, or the copy of it at `main`. */
export function start(args: readonly string[], options: SpawnOptions = {}, main = MAIN): Running {
  return startProgram(process.execPath, [main, ...args], options);
}

/** Starts another program, which may start the command line. */
export function startProgram(file: string, args: readonly string[], options: SpawnOptions = {}): Running {
  const child = spawn(file, args, { ...options, stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  child.stdin?.on("error", () => {}); // a command that fails early does not read what it is given
  const ended = once(child, "close").then(([code, signal]): Ended => ({ code, signal, ...output }));
  const printed = async (text: string): Promise<void> => {
    while (!output.stdout.includes(text)) {
      const heard = await Promise.race([once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data"), ended]);
      assert.ok(Array.isArray(heard) || output.stdout.includes(text), `ended without printing ${JSON.stringify(text)}`);
    }
  };
  return { child, output, ended, printed };
}

/** Runs it to its end with `input` on standard input. */
export async function holdfast(
  args: readonly string[],
  input: string | Uint8Array = "",
  options: SpawnOptions = {},
): Promise<Ended> {
  const { child, ended } = start(args, options);
  child.stdin?.end(input);
  return await ended;
}

/** The one JSON object that `text` is. */
export function jsonLine(text: string): Record<string, unknown> {
  assert.equal(text.trimEnd().split("\n").length, 1, `more than one line: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** No line of a stack trace, and nothing else that only developers understand. */
export function assertForPeople({ stdout, stderr }: Ended): void {
  assert.doesNotMatch(stdout + stderr, /^\s+at |node:internal|Error:/m);
}
