/** What a failure is to the user of the command line: an exit code, one line of text, one object of JSON. Never a stack. */
import { CommanderError } from "commander";
import { type HoldfastError, isHoldfastError, type Outcome } from "../index.ts";
import { EXIT } from "./exit-codes.ts";

/** One failure, ready to be shown. */
export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly outcome: Outcome;
  readonly message: string;
  readonly path: string | undefined;
  /** Set for what should never happen: a bug, of which the stack is wanted. */
  readonly stack: string | undefined;
}

/** Describes what a command threw. `cancelled`: the user has asked it to stop. */
export function toFailure(error: unknown, cancelled: boolean): Failure {
  const base = { outcome: "unchanged", path: undefined, stack: undefined } as const;
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, "");
    return { ...base, exitCode: EXIT.usage, code: "USAGE", message };
  }
  if (isHoldfastError(error)) {
    const { code, outcome, message, path } = error;
    if (code === "ABORTED" && cancelled) return { ...base, exitCode: EXIT.cancelled, code, outcome, message: "cancelled", path };
    // The source's own words say more than that it failed.
    const because = code === "SOURCE_FAILED" && error.cause instanceof Error ? ` (${error.cause.message})` : "";
    const stack = error.kind === "internal" ? error.stack : undefined;
    return { exitCode: exitCodeOf(error), code, outcome, message: message + because, path, stack };
  }
  // The library checks its arguments before it touches anything, and reports a wrong one with a plain message.
  if (error instanceof TypeError || error instanceof RangeError) {
    return { ...base, exitCode: EXIT.usage, code: "USAGE", message: error.message };
  }
  if (cancelled) return { ...base, exitCode: EXIT.cancelled, code: "ABORTED", message: "cancelled" };
  const { code, path, message, stack } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
  const isSystem = typeof code === "string" && /^E[A-Z0-9]+$/.test(code);
  return {
    exitCode: EXIT.failed,
    code: isSystem ? code : "INTERNAL",
    outcome: "unknown",
    message: message ?? String(error),
    path,
    stack: isSystem ? undefined : stack,
  };
}

/** What a script would act on in different ways. */
function exitCodeOf({ code, kind }: Pick<HoldfastError, "code" | "kind">): number {
  if (code === "LOCKED") return EXIT.locked;
  return kind === "corrupt" ? EXIT.damage : EXIT.failed;
}
