/** A command that runs with our terminal, our input and our output, and gets the signals that are meant for it. */
import { type ChildProcess, spawn } from "node:child_process";
import { close, open } from "node:fs";
import type { Cancellation } from "./cancel.ts";
import type { Ending } from "./ending.ts";

/** The command could not be started. */
export interface NotStarted {
  /** As shells have it: 127 not found, 126 found and not to be run. */
  readonly exitCode: 126 | 127;
  readonly code: "COMMAND_NOT_FOUND" | "COMMAND_NOT_EXECUTABLE";
  readonly message: string;
}

/** Runs `command` to its end. */
export async function runCommand(
  [file = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  { redirectSignals }: Pick<Cancellation, "redirectSignals">,
): Promise<Ending | NotStarted> {
  let child: ChildProcess;
  try {
    child = spawn(file, args, { env, stdio: "inherit" });
  } catch (error) {
    return notStarted(file, error as NodeJS.ErrnoException);
  }
  const restore = redirectSignals((name) => forward(name, child));
  try {
    return await new Promise((resolve) => {
      child.on("exit", (code, signal) => resolve(signal ?? (code as number)));
      // A signal that could not be sent, as to sudo, is an error too, and the command goes on.
      child.on("error", (error) => void (child.pid === undefined && resolve(notStarted(file, error))));
    });
  } finally {
    restore();
  }
}

/**
 * The terminal sends its Ctrl-C and Ctrl-\ to every process in the foreground, so the command has them already, and a second one
 * often means "at once". Without a terminal, whoever sends one may mean us alone. /dev/tty opens for those that belong to a
 * terminal, also if none of their streams is one: tty(4).
 *
 * On Windows all processes of a console hear Ctrl-C, and to send anything else is to end the command without a word.
 */
function forward(name: NodeJS.Signals, child: ChildProcess): void {
  if (process.platform === "win32") return;
  if (name !== "SIGINT" && name !== "SIGQUIT") {
    child.kill(name);
    return;
  }
  open("/dev/tty", "r", (error, terminal) => {
    if (error) child.kill(name);
    else close(terminal);
  });
}

function notStarted(file: string, { code: errno, message }: NodeJS.ErrnoException): NotStarted {
  if (errno === "ENOENT") return { exitCode: 127, code: "COMMAND_NOT_FOUND", message: `${file}: command not found` };
  const why = errno === "EACCES" ? "it is not executable" : message;
  return { exitCode: 126, code: "COMMAND_NOT_EXECUTABLE", message: `${file}: the command can't be started: ${why}` };
}
