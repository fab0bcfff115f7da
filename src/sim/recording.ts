/** Runs a scenario on a disk, all requests recorded. */
import { turn } from "../io/turns.ts";
import type { Kernel } from "./kernel.ts";
import { SimProcess } from "./process.ts";
import { type SabotageName, sabotage } from "./sabotage.ts";
import type { Marks } from "./scenario.ts";

/** How to run it. */
export interface RecordOptions {
  readonly name: string;
  readonly sabotage: SabotageName | undefined;
  /** Whether the end of the scenario is recorded as an acknowledgement. */
  readonly marksEnd: boolean;
}

/** Runs `body` in a process of its own, to its end, and then ends the process. Rejects as `body` does. */
export async function record<Ack>(kernel: Kernel, body: (marks: Marks<Ack>) => unknown, options: RecordOptions): Promise<void> {
  const { name } = options;
  const process = new SimProcess(kernel, { name, around: options.sabotage ? [sabotage(options.sabotage)] : [] });
  const acknowledge = (value: Ack): void => kernel.acknowledge(name, value, false);
  try {
    await process.run(async () => body({ acknowledge }));
    if (options.marksEnd) kernel.acknowledge(name, undefined, true);
    await turn(); // what the scenario has started and not waited for
  } finally {
    process.kill();
  }
}
