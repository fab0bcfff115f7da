/** The outputs of a command that has succeeded, published one after the other. */
import { lstatSync } from "node:fs";
import type { Outcome, OutputResult, StagedOutput } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import { type Failure, toFailure } from "./failure.ts";

/** An output, by the name its user has for it. */
export interface NamedOutput {
  readonly path: string;
  readonly staged: StagedOutput;
}

/** An output that is published. */
export interface Published extends OutputResult {
  readonly path: string;
}

/** What became of all outputs. */
export interface Publication {
  readonly published: readonly Published[];
  /** Why the next one was not published; none after it was tried. */
  readonly failure: Failure | undefined;
}

/** Publishes all, if all are there; else none. Ends with the first that fails. */
export async function publishAll(outputs: readonly NamedOutput[], signal: AbortSignal): Promise<Publication> {
  const published: Published[] = [];
  try {
    for (const output of outputs) {
      const failure = refusal(output);
      if (failure) return { published, failure };
    }
    for (const { path, staged } of outputs) published.push({ path, ...(await staged.commit()) });
    return { published, failure: undefined };
  } catch (error) {
    return { published, failure: toFailure(error, signal.aborted) };
  }
}

/** Why an output can't be published, as far as that can be known before the first one is. */
function refusal({ path, staged }: NamedOutput): Failure | undefined {
  const [made, old] = [staged.path, staged.target].map((at) => lstatSync(at, { throwIfNoEntry: false }));
  const refuse = (code: string, what: string): Failure => ({
    exitCode: EXIT.failed,
    code,
    outcome: "unchanged" satisfies Outcome,
    message: `the command has succeeded, but ${what}`,
    path,
    stack: undefined,
  });
  if (!made) return refuse("NOT_FOUND", `has made nothing for ${path}`);
  if (!made.isFile() && !made.isDirectory()) return refuse("NOT_A_FILE", `what it made for ${path} is no file or directory`);
  if (old?.isDirectory() && made.isFile()) return refuse("NOT_A_FILE", `made a file for ${path}, which is a directory`);
  if (old?.isFile() && made.isDirectory()) return refuse("NOT_A_DIRECTORY", `made a directory for ${path}, which is a file`);
  return undefined;
}
