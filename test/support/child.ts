/** Real processes for tests: a function is sent to a new process, with what it needs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type * as nodeFs from "node:fs";
import type * as nodePath from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type * as holdfast from "holdfast";
import type * as checkpoints from "holdfast/checkpoint";
import type * as doctor from "holdfast/doctor";
import type * as locks from "holdfast/lock";
import type * as logs from "holdfast/log";
import type * as txs from "holdfast/tx";
import type * as machines from "./machines.ts";
import type { witnessed } from "./witness.ts";

/** What a function in a child process can use; it sees nothing of the file it is written in. */
export interface Toolbox {
  readonly hf: typeof holdfast;
  readonly checkpoints: typeof checkpoints;
  readonly doctor: typeof doctor;
  readonly locks: typeof locks;
  readonly logs: typeof logs;
  readonly txs: typeof txs;
  readonly witnessed: typeof witnessed;
  readonly fs: typeof nodeFs;
  readonly path: typeof nodePath;
  readonly machines: typeof machines;
  /** Imports a module of the tests, by its path, for more than a function can carry. */
  readonly load: (module: string) => Promise<unknown>;
  /** Tells the parent. */
  readonly say: (value: unknown) => void;
  /** Waits for the parent to tell something. */
  readonly heard: () => Promise<unknown>;
  /** What came of something: its value, or the facts of its error. */
  readonly settle: <T>(work: () => T | Promise<T>) => Promise<Settled<T>>;
  /** Becomes another user for good. */
  readonly become: (userId: number, groupId?: number) => void;
}

export interface Settled<T> {
  readonly value?: T;
  readonly failed?: {
    readonly name: string;
    readonly code?: string;
    readonly outcome?: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

export type Body<A, R> = (box: Toolbox, args: A) => R | Promise<R>;

export interface How {
  /** A command that starts the process, such as strace or unshare with their arguments. */
  readonly wrap?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
  /** Instead of the built package. */
  readonly main?: string;
  readonly cwd?: string;
}

const MAIN = fileURLToPath(new URL("child-main.js", import.meta.url));

/** A running child. */
export class Child<R> {
  readonly process: ChildProcess;
  /** The function's result. */
  readonly result: Promise<R>;
  readonly #said: unknown[] = [];
  #tell: () => void = () => {};
  #over = false;

  constructor(command: string, args: readonly string[], how: How) {
    const env = { ...process.env, ...how.env };
    delete env["NODE_TEST_CONTEXT"];
    this.process = spawn(command, args, { env, ...(how.cwd ? { cwd: how.cwd } : {}), stdio: ["pipe", "pipe", "pipe"] });
    this.process.stdin?.on("error", () => {}); // it is dead; `result` says so
    this.result = this.#follow();
    this.result.catch(() => {});
  }

  /** The next thing it says, or undefined when it has ended. */
  async next(): Promise<unknown> {
    while (this.#said.length === 0 && !this.#over) await new Promise<void>((resolve) => (this.#tell = resolve));
    return this.#said.shift();
  }

  tell(value: unknown): void {
    this.process.stdin?.write(`${JSON.stringify(value)}\n`);
  }

  /** Kills it and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }

  async #follow(): Promise<R> {
    let result: { value?: R } | undefined;
    let complaints = "";
    const { stdout, stderr } = this.process;
    if (!stdout || !stderr) throw new Error("no pipes");
    stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    const closed = once(this.process, "close") as Promise<[number | null, string | null]>;
    createInterface({ input: stdout }).on("line", (line) => {
      const message = JSON.parse(line) as { said?: unknown; result?: { value?: R } };
      if (message.result) result = message.result;
      else this.#said.push(message.said);
      this.#tell();
    });
    const [code, signal] = await closed;
    this.#over = true;
    this.#tell();
    if (code !== 0 || !result) throw new Error(`the child ended with ${signal ?? code}: ${complaints}`);
    return result.value as R;
  }
}

/** Starts `body` in a new process. It must not use anything from around it but its arguments. */
export function startChild<A, R>(body: Body<A, R>, args: A, how: How = {}): Child<R> {
  const [command = process.execPath, ...rest] = [...(how.wrap ?? []), process.execPath];
  return new Child(
    command,
    [...rest, ...(how.nodeArgs ?? []), how.main ?? MAIN, body.toString(), JSON.stringify(args ?? null)],
    how,
  );
}

/** Calls `body` in a new process. */
export function inChild<A, R>(body: Body<A, R>, args: A, how: How = {}): Promise<R> {
  return startChild(body, args, how).result;
}

/** A wrapper that runs shell commands first; their `$1`, `$2`, ... are `args`. */
export function afterShell(script: string, ...args: readonly string[]): string[] {
  return ["bash", "-ec", `${script}\nshift ${args.length}\nexec "$@"`, "bash", ...args];
}

/** A wrapper with mounts of its own, made by shell commands as for {@link afterShell}. They go with the process. */
export function withMounts(script: string, ...args: readonly string[]): string[] {
  return ["unshare", "-m", "--propagation", "private", ...afterShell(script, ...args)];
}
