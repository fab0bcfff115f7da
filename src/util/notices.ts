/**
 * What happened beside a call and changed no result: published on the `node:diagnostics_channel` named `holdfast:notice`, so
 * that nothing is silent and nobody who does not listen pays for it.
 */
import { channel } from "node:diagnostics_channel";

/** One message of the channel `holdfast:notice`. */
export interface Notice {
  /**
   * `swept`: leftovers of dead writers were removed. `recovered`: a commit that a dead process had begun was finished.
   * `source-failed`: a source that a job has left failed at that. `degraded`: of a checkpoint not the newest generation could be loaded. `save-failed`: a checkpoint that nobody waits for, or
   * that is to go on without, could not be saved.
   * `sweep-failed`: something could not be removed or finished. `no-native-lock`: fs-native-extensions can't be loaded, so
   * leftovers are removed by age only.
   */
  readonly type: "degraded" | "no-native-lock" | "recovered" | "save-failed" | "source-failed" | "sweep-failed" | "swept";
  /** The directory, or the file; none for `no-native-lock`. */
  readonly path?: string;
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

const notices = channel("holdfast:notice");

/** Tells whoever listens. */
export function notify(notice: Notice): void {
  if (notices.hasSubscribers) notices.publish(notice);
}
