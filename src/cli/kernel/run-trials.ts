/** The trials on this machine's kernel: those that can be made, and what the others lack. */
import * as os from "node:os";
import { runInside } from "./namespace.ts";
import { kernelNeeds, missingForTrial } from "./needs.ts";
import { type PlanOptions, plan } from "./plan.ts";
import type { Trial, TrialResult } from "./trial.ts";

/** A trial that could not be made. */
export interface SkippedTrial extends Trial {
  readonly missing: string;
}

/** What came of all. */
export interface KernelProof {
  readonly kernel: string;
  readonly results: readonly TrialResult[];
  readonly skipped: readonly SkippedTrial[];
}

/** What to do, and whom to tell. */
export interface RunOptions extends PlanOptions {
  /** Called before the first trial, and after each. */
  readonly onProgress?: (done: number, total: number, last: TrialResult | undefined) => void;
  readonly signal: AbortSignal;
  /** Only some of the trials. */
  readonly only?: (trial: Trial) => boolean;
}

/** Runs them. Takes a minute or so; with `long` several. */
export async function runTrials({
  onProgress = () => {},
  signal,
  only = () => true,
  ...options
}: RunOptions): Promise<KernelProof> {
  const needs = kernelNeeds();
  const trials = plan(options).filter(only);
  const skipped = trials.flatMap((trial) => {
    const missing = missingForTrial(needs, trial);
    return missing === undefined ? [] : [{ ...trial, missing }];
  });
  const possible = trials.filter((trial) => missingForTrial(needs, trial) === undefined);
  const results: TrialResult[] = [];
  if (possible.length === 0) return { kernel: os.release(), results, skipped };
  onProgress(0, possible.length, undefined);
  const took = (result: TrialResult): void => {
    results.push(result);
    onProgress(results.length, possible.length, result);
  };
  await runInside(possible, took, signal);
  return { kernel: os.release(), results: inOrder(results, possible), skipped };
}

/** File systems run side by side; a table has them one after the other. */
function inOrder(results: readonly TrialResult[], trials: readonly Trial[]): TrialResult[] {
  const place = ({ fileSystem, seed }: Trial): number =>
    trials.findIndex((trial) => trial.seed === seed && trial.fileSystem === fileSystem);
  return [...results].sort((a, b) => place(a) - place(b));
}
