/** The user's wish to stop, as an AbortSignal, so that what is open is cleaned up before the process ends. */
import { EXIT } from "./exit-codes.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The reason of the abort when nobody reads the output any more, as after `| head`: nobody is there to be told. */
export const OUTPUT_CLOSED = "output closed";

/** Aborts at the first signal; a second one ends the process at once. */
export function cancelOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(EXIT.cancelled);
      controller.abort();
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      controller.abort(OUTPUT_CLOSED);
    });
  }
  return controller.signal;
}
