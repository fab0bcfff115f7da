/** Where a command's words go: results to standard output, all else to standard error; with `--json` one object each. */
import type { Failure } from "./failure.ts";

/** The way one command talks. */
export interface Output {
  readonly json: boolean;
  /** One line of the result for people. Nothing with `--json`. */
  line(text?: string): void;
  /** The result for programs. Nothing without `--json`. */
  result(value: Readonly<Record<string, unknown>>): void;
  /** One line that is not the result. Nothing with `--json`. */
  note(text: string): void;
}

/** The output of a command that was called with `--json`, or was not. `results`: where its results go. */
export function outputOf(json: boolean, results: NodeJS.WriteStream = process.stdout): Output {
  return {
    json,
    line: (text = "") => void (json || results.write(`${text}\n`)),
    result: (value) => void (json && results.write(`${JSON.stringify(value)}\n`)),
    note: (text) => void (json || process.stderr.write(`${text}\n`)),
  };
}

/** Says on standard error why a command failed. */
export function reportFailure({ code, outcome, message, path, stack }: Failure, json: boolean): void {
  const text = json
    ? JSON.stringify({ type: "exit_error", code, outcome, message, ...(path === undefined ? {} : { path }) })
    : `holdfast: ${message}${code === "USAGE" ? "\nholdfast: --help shows how it is used" : ""}`;
  process.stderr.write(`${text}\n${stack === undefined || json ? "" : `${stack}\n`}`);
}
