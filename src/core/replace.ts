/**
 * The replace program: stage beside the target, write, set attributes, sync the file, take the name, sync the directory.
 *
 * Why this order: content and attributes must be on disk before the name leads to them (ext4 shows zeros, XFS and btrfs an
 * empty file otherwise), and the name is on disk only when the directory is synced (fsync(2), DESCRIPTION).
 */
import type { Source } from "../io/data.ts";
import { type Program, syncFile } from "../io/program.ts";
import { type Publish, publish } from "./publish.ts";
import {
  type Attributes,
  checkSize,
  createStage,
  type NotKept,
  type Staged,
  setAttributes,
  stagingMode,
  withStage,
} from "./stage.ts";
import type { Target } from "./target.ts";
import { writeSource } from "./write.ts";

/** How the finished content is made to last. */
export interface Finish extends Publish {
  readonly attributes: Attributes;
  /** Whether the file is synced before it gets its name. */
  readonly syncFile: boolean;
}

/** What was written. */
export interface Replaced {
  readonly sizeBytes: number;
  readonly dirSynced: boolean;
  readonly notKept: readonly NotKept[];
}

/** Replaces one file by the content of a source. */
export function* replaceFile(target: Pick<Target, "dir" | "path">, source: Source, finish: Finish): Program<Replaced> {
  const staged = yield* createStage(target.dir, stagingMode(finish.attributes));
  return yield* withStage(staged, fillAndFinish(staged, target, source, finish));
}

function* fillAndFinish(staged: Staged, target: Pick<Target, "dir" | "path">, source: Source, finish: Finish): Program<Replaced> {
  const sizeBytes = yield* writeSource(staged.file, source, 0);
  return yield* finishStage(staged, target, sizeBytes, finish);
}

/** The second half, for content that is already in the staged file. Leaves clean-up to the caller. */
export function* finishStage(
  staged: Staged,
  target: Pick<Target, "dir" | "path">,
  sizeBytes: number,
  finish: Finish,
): Program<Replaced> {
  const notKept = yield* setAttributes(staged, finish.attributes);
  if (finish.syncFile) yield* syncFile(staged.file); // a failure poisons the file: it is discarded, never synced again
  yield* checkSize(staged, sizeBytes);
  const dirSynced = yield* publish(staged, target, finish);
  return { sizeBytes, dirSynced, notKept };
}
