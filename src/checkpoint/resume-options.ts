/** Options of resumable jobs, and what they tell. */
import { never } from "../io/abort.ts";
import { CONCURRENCY_MAX, LOCK_TIMEOUT_MAX_MS, SAVE_EVERY_ITEMS, SAVE_EVERY_MS } from "../util/limits.ts";
import { type Check, checkOptions, integer, isBoolean, isFunction, isSignal, oneOf, positive } from "../util/options.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Key } from "./done-keys.ts";
import type { DamagedGeneration } from "./read.ts";
import type { Order } from "./resume-state.ts";

/** When a job is saved: whichever comes first. */
export interface SaveEvery {
  /**
   * After so many items, 1 to 2^53 - 1. Default 100, with `ms` alone no limit. After a kill at most so many are done again, the last
   * of those under way counted: so many and `concurrency` less one.
   */
  readonly items?: number | undefined;
  /** When so much time has passed since the last save, in milliseconds, 1 to 86400000. Default 5000, with `items` alone no limit. */
  readonly ms?: number | undefined;
}

/** What becomes of a job when an item fails. */
export type OnItemError = "skip" | "stop";

/** Options of {@link resumable}. */
export interface ResumableOptions<Item> {
  /** What tells an item from all others, today and at the next start. Items with one key are one item. */
  readonly key: (item: Item) => Key;
  /** Where the job is saved: open for a run, without a schema, and for this job alone. */
  readonly checkpoint: Checkpoint;
  /** When it is saved. */
  readonly every?: SaveEvery | undefined;
  /**
   * What to do when the handler throws: `"stop"`, the default, saves what is done and throws the error; `"skip"` goes on, and the
   * next start tries the item again. Or a function that says which.
   */
  readonly onError?: OnItemError | ((error: unknown, item: Item, key: Key) => OnItemError | Promise<OnItemError>) | undefined;
  /** Items that are worked on at once, 1 to 10000. Default 1. */
  readonly concurrency?: number | undefined;
  /**
   * `"ascending"`: keys are all numbers or all texts, and each is greater than the one before, at each start; then one key says how
   * far the job is, and items that are inserted below it later are not done. Default `"any"`: all done keys are remembered.
   */
  readonly order?: Order | undefined;
  /** Begin anew. What was saved before stays until the first save of this run. Default false. */
  readonly fresh?: boolean | undefined;
  /** How many items there are, for those who look. */
  readonly total?: number | undefined;
  /** Stops the job: what is under way is finished, what is done is saved, and `ABORTED` is thrown. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What to do when a save fails: `"stop"`, the default; or go on, tell it by `onProgress` and on the channel `holdfast:notice`, and
   * try again at the next save.
   */
  readonly onSaveError?: "continue-and-alarm" | "stop" | undefined;
  /** Is called with all that happens. */
  readonly onProgress?: ((event: ResumeEvent) => void) | undefined;
}

/** How far a job is. */
export interface ResumeCounts {
  /** Items that are done, in earlier runs too. */
  readonly done: number;
  /** Items of this run that were done before. */
  readonly skipped: number;
  /** Items that have failed and are not done. */
  readonly failed: number;
  readonly total: number | undefined;
}

/** What {@link ResumableOptions.onProgress} is told. */
export type ResumeEvent = ResumeCounts &
  (
    | {
        readonly type: "started";
        /** `anew`: there was nothing; `resumed`: an earlier run had begun. */
        readonly from: "anew" | "resumed";
        /** What of the checkpoint was damaged, so that an older state was taken. */
        readonly damaged: readonly DamagedGeneration[];
      }
    | { readonly type: "done" | "skipped"; readonly key: Key }
    | { readonly type: "failed"; readonly key: Key; readonly error: unknown }
    | { readonly type: "saved"; readonly generation: number }
    | { readonly type: "save-failed"; readonly error: unknown }
  );

/** What {@link resumable} resolves with, once the source has ended. */
export interface ResumeResult extends ResumeCounts {
  /** Items that were done in this run. */
  readonly processed: number;
  /** Keys of those that have failed. */
  readonly failedKeys: readonly Key[];
  /** False: with `"continue-and-alarm"`, the last save has failed, and the next start does some items again. */
  readonly saved: boolean;
}

const isEvery: Check = (value) => {
  const { items, ms, ...more } = Object(value) as Partial<Record<string, unknown>>;
  const fits = (one: unknown, max: number): boolean => one === undefined || positive(max)(one) === undefined;
  const all = fits(items, Number.MAX_SAFE_INTEGER) && fits(ms, LOCK_TIMEOUT_MAX_MS) && Object.keys(more).length === 0;
  return all ? undefined : "{ items, ms } with integers from 1";
};

const CHECKS = {
  key: isFunction,
  checkpoint: (value: unknown) => (typeof value === "object" ? undefined : "a checkpoint"),
  every: isEvery,
  onError: (value: unknown) => (isFunction(value) && oneOf("skip", "stop")(value) ? '"skip", "stop" or a function' : undefined),
  concurrency: positive(CONCURRENCY_MAX),
  order: oneOf("any", "ascending"),
  fresh: isBoolean,
  total: integer(Number.MAX_SAFE_INTEGER),
  signal: isSignal,
  onSaveError: oneOf("continue-and-alarm", "stop"),
  onProgress: isFunction,
};

/** A job, its options checked and filled in. */
export interface Job<Item> extends ResumableOptions<Item> {
  readonly everyItems: number;
  readonly everyMs: number;
  readonly concurrency: number;
  readonly order: Order;
  readonly signal: AbortSignal;
}

/** The job that these options describe. */
export function jobOf<Item>(options: ResumableOptions<Item>): Job<Item> {
  const given = checkOptions(options, CHECKS);
  const { key, checkpoint, every = { items: SAVE_EVERY_ITEMS, ms: SAVE_EVERY_MS } } = given;
  if (key === undefined || checkpoint === undefined) throw new TypeError("options key and checkpoint must be given");
  if (checkpoint.hasSchema) throw new TypeError("option checkpoint must be one without a schema: its state is that of the job");
  const everyItems = every.items ?? Number.POSITIVE_INFINITY;
  return {
    ...given,
    everyItems,
    everyMs: every.ms ?? Number.POSITIVE_INFINITY,
    concurrency: given.concurrency ?? 1,
    order: given.order ?? "any",
    signal: given.signal ?? never,
  };
}
