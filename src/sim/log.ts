/** What happened on a disk, in order: facts only. What may be lost is for a profile to say. */
import type { MicroOp } from "./micro-op.ts";

/** One request, as a report shows it. */
export interface Step {
  readonly number: number;
  readonly process: string;
  readonly op: string;
  /** Its path, or that of its file, and what else tells it from others. */
  readonly text: string;
  /** How it went, once it has ended. */
  result?: string;
  /** What a fault or a sabotage did to it. */
  note?: string;
}

/** The content and attributes of a file, or the names of a directory, were synced, or failed to be. */
export interface Sync {
  readonly step: number;
  readonly inode: number;
  /** The system has forgotten what it could not write: no later sync covers it (Rebello et al., ATC'20). */
  readonly failed: boolean;
}

/** Something the program has told somebody: from here on it must be true of the disk. */
export interface Acknowledgement {
  readonly step: number;
  readonly value: unknown;
  /** Whether it is the end of the whole scenario. */
  readonly end: boolean;
}

/** The record of one disk from one mount to the next. */
export interface Log {
  readonly ops: readonly MicroOp[];
  readonly syncs: readonly Sync[];
  readonly acknowledgements: readonly Acknowledgement[];
  readonly steps: readonly Step[];
}
