/** What a caller is told of a committed directory. */
import type { Durability } from "../core/prepare.ts";
import type { Way } from "../core/publish-tree.ts";
import type { NotKept } from "../core/stage.ts";

/** What was published, how, and what was reached. */
export interface DirectoryResult {
  /** Files that are in it, sub-directories included. Not directories. */
  readonly fileCount: number;
  /** Their size. */
  readonly sizeBytes: number;
  /** The level that was reached: less than asked where the platform or the file system gives no more. */
  readonly durability: Durability;
  /** How it took the place of the old one. */
  readonly way: Way;
  /** Only with `"file-by-file"`: what others changed at the same moment, which was kept. Relative to the parent, with `/`. */
  readonly superseded: readonly string[];
  /** Where the new content of these is. */
  readonly kept: readonly string[];
  /** What the new directory could not be given of the old one. */
  readonly notKept: readonly NotKept[];
}
