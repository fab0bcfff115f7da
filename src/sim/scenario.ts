/** What a user of the simulator writes: a scenario, and what must be true after a crash in it. */
import type { SimDisk } from "./disk.ts";
import type { SimDiskOptions } from "./platform.ts";
import type { ProfileName } from "./profiles.ts";
import type { SabotageName } from "./sabotage.ts";

/** What a scenario can say while it runs. */
export interface Marks<Ack> {
  /** Says that somebody has been told: from this moment a crash may not undo it. */
  readonly acknowledge: (value: Ack) => void;
}

/** A disk after a crash, and after `recover` where there is one. */
export interface CrashState<Ack> {
  /** What had been acknowledged before the crash, in order; by `recover` too. */
  readonly acknowledged: readonly Ack[];
  /** Whether `run` had ended before the crash: then all that it promises must be there. */
  readonly finished: boolean;
  readonly disk: SimDisk;
}

/**
 * A scenario for {@link sweep}. All functions use Holdfast, or anything else that does all its work through it, as they
 * would outside: the simulated machine takes the place of the real one while they run.
 */
export interface SweepOptions<Ack = unknown> {
  /** Makes what is there before; all of it is durable when `run` begins. */
  readonly setup?: ((disk: SimDisk) => unknown) | undefined;
  /** What is crashed. It must do the same each time it is called. */
  readonly run: (marks: Marks<Ack>) => unknown;
  /** What the next start of the program does. It is crashed too. */
  readonly recover?: ((marks: Marks<Ack>) => unknown) | undefined;
  /** Throws where a promise is broken. */
  readonly check: (state: CrashState<Ack>) => unknown;
  /** What a crash may do; see docs/FAULT-MODEL.md. Default `"strict"`. */
  readonly profile?: ProfileName | undefined;
  /** Crashes in a row: 2, the default where there is a `recover`, crashes the recovery from a crash as well. */
  readonly depth?: number | undefined;
  /** A way to break the scenario, to see that the check can fail. */
  readonly sabotage?: SabotageName | undefined;
  /** Stops at the first violation: enough to see that a check can fail. */
  readonly untilFirst?: boolean | undefined;
  readonly disk?: Omit<SimDiskOptions, "seed"> | undefined;
  /** Repeats a sweep. Default 1. */
  readonly seed?: number | undefined;
  /** Looks at every moment, not only at those that contain all others: slow, to verify the simulator itself. */
  readonly everyStep?: boolean | undefined;
}
