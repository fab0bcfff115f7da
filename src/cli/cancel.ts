/** The user's wish to stop, as an AbortSignal, so that what is open is cleaned up before the process ends. */
import { EXIT } from "./exit-codes.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Of these too a command decides itself. To ours, SIGQUIT means the end at once, as everywhere. */
const REDIRECTED = [...SIGNALS, "SIGQUIT"] as const;

/** The reason of the abort when nobody reads the output any more, as after `| head`: nobody is there to be told. */
export const OUTPUT_CLOSED = "output closed";

/** What becomes of signals. */
export interface Cancellation {
  /** Aborted at the first signal; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** From now on signals only go to `to`, until the function that is returned is called. */
  readonly redirectSignals: (to: (name: NodeJS.Signals) => void) => () => void;
}

/** Listens to signals, and to the end of whoever reads the output. */
export function cancelOnSignals(): Cancellation {
  const controller = new AbortController();
  const cancel = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.cancelled);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, cancel);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      controller.abort(OUTPUT_CLOSED);
    });
  }
  // A signal always has a listener: without one it would end the process.
  const redirectSignals: Cancellation["redirectSignals"] = (to) => {
    for (const name of REDIRECTED) process.on(name, to);
    for (const name of SIGNALS) process.off(name, cancel);
    return () => {
      for (const name of SIGNALS) process.on(name, cancel);
      for (const name of REDIRECTED) process.off(name, to);
    };
  };
  return { signal: controller.signal, redirectSignals };
}
