/** What a caller is told of a transaction. */
import type { Durability } from "../core/prepare.ts";
import type { NotKept } from "../core/stage.ts";
import type { Committed, Unit } from "./unit.ts";

/** What was committed, and what was reached. */
export interface TransactionResult<T> {
  /** What the function has returned. */
  readonly value: T;
  /** Whether there was anything to be changed. */
  readonly changed: boolean;
  /** The level that was reached: less than asked where the platform or the file system gives no more. */
  readonly durability: Durability;
  /**
   * What others, who use no transaction, changed between the commit point and the end: theirs was kept. Relative to the root, with
   * `/`. Empty, but for such a race.
   */
  readonly superseded: readonly string[];
  /** Where the content is that therefore found no place. */
  readonly kept: readonly string[];
  /** What new files could not be given of those that they replaced, by their paths. */
  readonly notKept: ReadonlyMap<string, readonly NotKept[]>;
}

/** The result of a unit that is committed. */
export function toResult<T>(value: T, committed: Committed, { notKept }: Unit): TransactionResult<T> {
  return { value, ...committed, notKept };
}
