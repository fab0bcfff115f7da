/** How the process ends: with an exit code, or by the signal that has ended the command it ran for. */
import { constants } from "node:os";

/** An exit code, or a signal. */
export type Ending = number | NodeJS.Signals;

/** Who ends by these leaves a core file. Ours would take the place of the command's, and tells nobody anything. */
const DUMPS_CORE: ReadonlySet<string> = new Set<NodeJS.Signals>([
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGQUIT",
  "SIGSEGV",
  "SIGSYS",
  "SIGTRAP",
  "SIGXCPU",
  "SIGXFSZ",
]);

/** Shells add this to the number of the signal that has ended a command. */
const SIGNALLED = 128;

/** Ends the process, at the latest when nothing is left to do. */
export function end(ending: Ending): void {
  if (typeof ending === "number") {
    process.exitCode = ending;
    return;
  }
  process.exitCode = SIGNALLED + constants.signals[ending]; // if the signal does not end us
  if (DUMPS_CORE.has(ending)) return;
  process.stderr.write("", () => endBy(ending)); // after what is still to be written
}

function endBy(signal: NodeJS.Signals): void {
  if (signal !== "SIGKILL") {
    // Node ignores SIGPIPE and has a use for SIGUSR1. Taking the last listener off brings back what the system does by itself.
    process.on(signal, () => {});
    process.removeAllListeners(signal);
  }
  process.kill(process.pid, signal);
}
