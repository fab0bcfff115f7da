/** The disk that a scenario begins with. */
import { SimDisk } from "./disk.ts";
import type { SimDiskOptions } from "./platform.ts";

/** What all sweeps need to know of it. */
export interface Preparation {
  readonly setup?: ((disk: SimDisk) => unknown) | undefined;
  readonly disk?: Omit<SimDiskOptions, "seed"> | undefined;
  readonly seed?: number | undefined;
}

/** The seed where none is given: a sweep repeats itself. */
export const SEED_DEFAULT = 1;

/** A disk after `setup` and a clean restart: all is durable, and nothing is open. */
export async function prepared({ setup, disk: options, seed = SEED_DEFAULT }: Preparation): Promise<SimDisk> {
  const disk = new SimDisk({ ...options, seed });
  await disk.process().run(async () => setup?.(disk));
  return new SimDisk(disk.kernel.options, disk.kernel.restarted(disk.kernel.volume.clone()));
}
