/** What the tier is told of one operation. A new write protocol is one more entry of a module that scenarios.ts names. */

/** One operation of the public API, that is done or not done. */
export interface Scenario {
  readonly name: string;
  /** Whose `SCENARIOS` it is one of: a worker, which begins anew after each kill, loads no other. */
  readonly module: string;
  /** Makes what is there before, in an empty directory. */
  readonly setup: (dir: string) => void;
  /** The operation. `acknowledge` tells that a step is done; the end is an acknowledgement too. */
  readonly run: (dir: string, acknowledge: () => void) => unknown;
  /** What a reader sees. */
  readonly observe: (dir: string) => string;
  /** What is to be seen before, after each acknowledgement, and at the end. */
  readonly states: readonly string[];
  /** A reader is promised one of `states` only after recovery, as for a swap in two steps. */
  readonly needsRecovery?: boolean;
  /** Names that are as right there as those that a run without trouble leaves. */
  readonly makes?: RegExp;
  /** What the next process does. Without it, that writes another file in each directory there is. */
  readonly recover?: (dir: string, fate: Fate) => Promise<void>;
}

/** How far one run came. */
export interface Fate {
  /** Acknowledgements that were heard. */
  readonly acknowledged: number;
  /** `killed`: nobody could say anything; `stuck`: it did not end, and was killed. */
  readonly end: "done" | "failed" | "killed" | "stuck";
  readonly error?: Failure | undefined;
  /** What could not be removed was told as a notice. */
  readonly told?: boolean;
  /** Of a process that died: how, and what it had to say. */
  readonly death?: string;
}

/** What an error says. */
export interface Failure {
  readonly name: string;
  readonly code?: string | undefined;
  readonly outcome?: string | undefined;
  readonly message: string;
}
