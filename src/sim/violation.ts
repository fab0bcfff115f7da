/** A crash state in which a promise is broken, with how it came about. */
import type { Log, Step } from "./log.ts";
import type { MicroOp } from "./micro-op.ts";
import type { Volume } from "./volume.ts";

/** A broken promise. */
export interface Violation {
  /** What the check said. */
  readonly message: string;
  readonly error: unknown;
  readonly acknowledged: readonly unknown[];
  /** Whether the scenario had ended. */
  readonly finished: boolean;
  /** The crashes on the way to it. */
  readonly crashes: readonly CrashPlace[];
}

/** One crash on the way to a state. */
export interface CrashPlace {
  readonly kind: "kill" | "power loss";
  /** A power loss: just before the end of this request. A kill: right after it. */
  readonly step: number;
  /** A kill in the middle of a write: after so many blocks. */
  readonly cutAfter: number | undefined;
}

/** One crash, with what it did. */
export interface Crash extends CrashPlace {
  /** A kill: a later request that had been done as well, as it was in flight. */
  readonly also: Step | undefined;
  readonly lost: readonly MicroOp[];
  /** What had not been synced and was there all the same. */
  readonly kept: readonly MicroOp[];
  readonly log: Log;
  readonly base: Volume;
}

/** All that a report tells of a broken promise. */
export interface Evidence extends Violation {
  readonly crashes: readonly Crash[];
  /** What was on the disk right after the last crash. */
  readonly found: Volume;
  /** The requests of the recovery after the last crash. */
  readonly recovery: readonly Step[];
  /** What was there when the check looked, where something had changed it. */
  readonly recovered: Volume | undefined;
}
