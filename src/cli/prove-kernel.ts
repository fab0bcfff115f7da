/** `holdfast prove --kernel`: the write protocols on this machine's kernel, with a bar while it works and a table at the end. */
import { HoldfastError } from "../index.ts";
import { failureLines, skippedLines, trialTable } from "./kernel/report.ts";
import { runTrials } from "./kernel/run-trials.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { countText } from "./table.ts";

/** Runs the short form of the trials; true if no promise was broken, every control was caught, and the simulator knows all outcomes. */
export async function proveKernel(seed: number, output: Output, signal: AbortSignal): Promise<boolean> {
  const progress = new Progress({ label: "trials", hidden: output.json });
  const onProgress = (done: number, total: number, last?: { readonly fileSystem: string; readonly protocol: string }): void =>
    progress.update({ done, total, text: last ? `${last.fileSystem}, ${last.protocol}` : "" });
  const { kernel, results, skipped } = await runTrials({ long: false, seed, onProgress, signal }).finally(() => progress.end());
  if (results.length === 0) {
    const reasons = [...new Set(skipped.map(({ missing }) => missing))];
    throw new HoldfastError("UNSUPPORTED", { what: `nothing can be tried on this machine: it ${reasons.join(", and ")}` });
  }

  for (const line of [...trialTable(results), "", ...failureLines(results), ...skippedLines(skipped)]) output.line(line);
  const holds = results.every(({ ok }) => ok);
  const images = results.reduce((sum, result) => sum + result.images, 0);
  if (holds) output.line(`${countText(images)} disks, Linux ${kernel}: no promise is broken, and every control was caught.`);
  output.result({ type: "kernel-proof", holds, seed, kernel, images, results, skipped });
  return holds;
}
