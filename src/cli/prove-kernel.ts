/** `holdfast prove --kernel`: the write protocols on this machine's kernel, with a bar while it works and a table at the end. */
import { HoldfastError } from "../index.ts";
import { failureLines, trialTable } from "./kernel/report.ts";
import { runTrials, type SkippedTrial } from "./kernel/run-trials.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { countText } from "./table.ts";

/** Runs the short form of the trials; true if no promise was broken, every control was caught, and the simulator knows all outcomes. */
export async function proveKernel(seed: number, output: Output, signal: AbortSignal): Promise<boolean> {
  const progress = new Progress({ label: "trials", hidden: output.json });
  const onProgress = (done: number, total: number, last?: { readonly fileSystem: string; readonly program: string }): void =>
    progress.update({ done, total, text: last ? `${last.fileSystem}, ${last.program}` : "" });
  const { kernel, results, skipped } = await runTrials({ long: false, seed, onProgress, signal }).finally(() => progress.end());
  if (results.length === 0) throw new HoldfastError("UNSUPPORTED", { what: `this machine ${skippedWords(skipped).join("; ")}` });

  for (const line of [...trialTable(results), ""]) output.line(line);
  for (const line of failureLines(results)) output.line(line);
  for (const words of skippedWords(skipped)) output.line(`skipped: ${words}`);
  const holds = results.every(({ ok }) => ok);
  const images = results.reduce((sum, result) => sum + result.images, 0);
  if (holds) output.line(`${countText(images)} disks, Linux ${kernel}: no promise is broken, and every control was caught.`);
  output.result({ type: "kernel-proof", holds, seed, kernel, images, results, skipped });
  return holds;
}

/** Each reason once, with how much it costs. */
export function skippedWords(skipped: readonly SkippedTrial[]): string[] {
  const counts = new Map<string, number>();
  for (const { missing } of skipped) counts.set(missing, (counts.get(missing) ?? 0) + 1);
  return [...counts].map(([missing, count]) => `${missing} (${count} trials)`);
}
