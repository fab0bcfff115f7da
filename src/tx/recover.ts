import { sweepDead } from "../core/sweep.ts";
import { HoldfastError } from "../errors.ts";
import { never } from "../io/abort.ts";
import { currentMachine } from "../io/current.ts";
import { fileSystem, type Program, realPath, stat } from "../io/program.ts";
import { run } from "../io/run.ts";
import { checkOptions } from "../util/options.ts";
import { absoluteDirectory } from "../util/path.ts";
import { prepareClaims } from "./claims.ts";
import { OPTIONS, type RecoverOptions } from "./options.ts";
import { refuseUnrecoverable } from "./unit.ts";

/** What was done about what one dead owner has left. */
export type RecoveryAction =
  | {
      /** Its commit was completed; `undone`: it could not be done here, and all is as before. */
      readonly action: "completed" | "undone";
      /** What it was about: of a transaction, the root. */
      readonly path: string;
      /** What others have changed since: theirs was kept. Relative to the directory of `path`, or to the root. */
      readonly superseded: readonly string[];
      /** Where the content is that therefore found no place. */
      readonly kept: readonly string[];
    }
  | { /** It was never committed, and was removed. */ readonly action: "removed"; readonly path: string }
  | {
      /** It could be neither completed nor removed, and is as it was. */ readonly action: "failed";
      readonly path: string;
      readonly error: unknown;
    };

/** What {@link recover} has done. */
export interface Recovery {
  readonly actions: readonly RecoveryAction[];
  /** What was left, as its owner lives, or nothing proves that it is dead. */
  readonly liveCount: number;
}

/**
 * Completes the transactions, and all other commits, that dead processes have begun in `root`, and removes what they had staged.
 *
 * Each {@link transaction} does this first, so nobody has to; it is for a start that wants to know. Safe at any moment, also
 * twice at once, and after a crash in the middle. What others have written since is kept.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @throws {HoldfastError} `NOT_FOUND`, `NOT_A_DIRECTORY`, `PERMISSION`; `UNSUPPORTED` where nothing can prove that an owner is
 *   dead. What fails for a single one is in `actions`.
 * @example
 * for (const { action, path } of (await recover("data")).actions) console.log(action, path);
 */
export async function recover(root: string | URL, options?: RecoverOptions): Promise<Recovery> {
  const { signal = never } = checkOptions(options, OPTIONS.recover);
  return await run(recoverAll(absoluteDirectory(root)), currentMachine().io, signal);
}

function* recoverAll(given: string): Program<Recovery> {
  const found = yield* stat(given);
  if (!found) throw new HoldfastError("NOT_FOUND", { path: given });
  if (found.kind !== "directory") throw new HoldfastError("NOT_A_DIRECTORY", { path: given });
  const root = yield* realPath(given);
  yield* refuseUnrecoverable(root, yield* fileSystem(root));
  const { finished, removed, failed, keptCount } = yield* sweepDead(root);
  yield* prepareClaims(root);
  const actions: RecoveryAction[] = [
    ...finished.map(({ target, undone, superseded, kept }) => {
      const action = undone ? ("undone" as const) : ("completed" as const);
      return { action, path: target, superseded, kept };
    }),
    ...removed.map((path) => ({ action: "removed" as const, path })),
    ...failed.map(({ path, error }) => ({ action: "failed" as const, path, error })),
  ];
  return { actions, liveCount: keptCount };
}
