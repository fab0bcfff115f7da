/** A GeoTIFF as a tile set, with a bar while it is written. */
import { type BuildTileSetOptions, buildTileSet } from "../tiles/index.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { bytesText, countText } from "./table.ts";

type Passed = "compression" | "concurrency" | "crs" | "leftovers" | "level" | "overviews" | "predictor" | "resume" | "tileSize";

/** What can be set. */
export interface BuildOptions extends Pick<BuildTileSetOptions, Passed> {
  readonly memory?: number;
}

/** Writes it, and tells what was written and what could not be taken over. */
export async function build(
  input: string,
  index: string,
  { memory, ...options }: BuildOptions,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const progress = new Progress({ label: "tiles", format: countText, afterMs: 1000, hidden: output.json });
  const result = await buildTileSet(input, index, {
    ...options,
    memoryBudgetBytes: memory,
    signal,
    onProgress: ({ tilesDone: done, tileCount: total, sizeBytes }) =>
      progress.update({ done, total, text: bytesText(sizeBytes) }),
  }).finally(() => progress.end());
  const { tileCount, sizeBytes, directory, durability, resumedCount, ...rest } = result;
  output.line(`wrote ${countText(tileCount)} tiles, ${bytesText(sizeBytes)}, to ${directory} (${durability})`);
  if (resumedCount > 0) output.line(`${countText(resumedCount)} of them were there, of an interrupted write`);
  if (rest.adoptedCount > 0) output.line(`${countText(rest.adoptedCount)} of them have the values that another program had left`);
  if (rest.quarantined !== undefined) output.line(`what another program had left is now ${rest.quarantined}`);
  for (const what of rest.notKept) output.note(`holdfast: not kept of ${input}: ${what}`);
  output.result({ type: "built", input, directory, tileCount, sizeBytes, durability, resumedCount, ...rest });
}
