/** What the doctor is told by each kind of thing that Holdfast leaves on disks. */
import type { LockOwner } from "../format/lock-note.ts";
import type { Program } from "../io/program.ts";

/**
 * How a thing is. `live`: its owner lives. `dead`: its owner has ended, and it waits to be removed or finished. `damaged`: the
 * same, but what it needs is broken. `idle`: nobody uses it, as it should be. `quarantined`: kept for a person to decide.
 * `unknown`: nothing proves any of these. `unreadable`: it could not be looked at.
 */
export type FindingState = "damaged" | "dead" | "idle" | "live" | "quarantined" | "unknown" | "unreadable";

/** What repair does about a thing. `recovered`: its commit is finished. `quarantined`: moved aside, nothing is lost. */
export type Repair = "kept" | "quarantined" | "recovered" | "removed";

/** One thing that was found. */
export interface Finding {
  readonly path: string;
  /** What it is, e.g. `"staged-file"`. */
  readonly kind: string;
  readonly state: FindingState;
  /** Whose it is, or was, where that is known. Proves nothing. */
  readonly owner?: LockOwner | undefined;
  /** Of a directory, all that is in it. */
  readonly sizeBytes?: number | undefined;
  /** Whether there is more than `sizeBytes`: of a large directory only a part is counted. */
  readonly hasMore?: boolean | undefined;
  /** What repair would do about it; if `repaired`, what it has done. */
  readonly repair: Repair;
  readonly repaired?: boolean | undefined;
  /** What it is and what to do, in one line for people. */
  readonly text: string;
  /** Why it could not be looked at, or repaired. */
  readonly error?: Error | undefined;
}

/** Names in one directory that are one thing. */
export interface Thing {
  readonly dir: string;
  readonly names: readonly string[];
}

/** What became of a repair; `kept`: nothing was done. */
export interface Repaired {
  readonly repair: Repair;
  readonly text: string;
}

/** One kind of thing. Each part of the library has its own, and `src/doctor/kinds.ts` a list of them. */
export interface Kind {
  /** What names of this kind look like; names with other looks are not kept in memory. */
  readonly names: RegExp;
  /** The same for all names of one thing; undefined: this name is not of this kind. */
  readonly keyOf: (name: string) => string | undefined;
  /** The same for directories that are part of a thing, and so are not looked into. None, but for Holdfast's own names. */
  readonly directoryKeyOf?: (name: string) => string | undefined;
  /** Looks, and changes nothing. Undefined: it is gone, or not ours. */
  readonly examine: (thing: Thing) => Program<Finding | undefined>;
  /** Only for what was found to have a `repair` that is not `kept`. Looks again at all that it acts on. */
  readonly repair?: (thing: Thing) => Program<Repaired>;
}
