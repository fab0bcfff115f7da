/**
 * Removes the staged files that dead writers left in one directory, and never a live one's.
 *
 * The proof of life is the kernel lock a writer holds on its staged file: it ends with the process, is seen from other
 * containers, and is not fooled by a process id that was given again. Where no such lock can be had, age decides.
 */
import * as path from "node:path";
import { STAGE_PREFIX, stageKind } from "../format/names.ts";
import type { Stat, Traits } from "../io/io.ts";
import { close, ensure, list, lstat, now, open, type Program, statFile, traits, tryLock, unlink } from "../io/program.ts";
import { SWEEP_AGE_NO_LOCK_MS, SWEEP_AGE_SHARE_MODE_MS } from "../util/limits.ts";

/** What one sweep did. */
export interface Swept {
  /** Paths of the removed files. */
  readonly removed: readonly string[];
  /** Paths of what could not be examined or removed, with the error. */
  readonly failed: readonly { readonly path: string; readonly error: unknown }[];
  /** How many staged files were left: their writer lives, or nothing proves that it is dead. */
  readonly keptCount: number;
}

/** Age below which a staged file is left alone, whatever its lock says. */
const AGE_MIN_MS: Readonly<Record<Traits["lock"], number>> = {
  kernel: 0,
  "share-mode": SWEEP_AGE_SHARE_MODE_MS,
  none: SWEEP_AGE_NO_LOCK_MS,
};

/** Sweeps `dir`, which must be on a local file system: elsewhere a lock proves nothing. One file's failure is not the sweep's. */
export function* sweepDead(dir: string): Program<Swept> {
  const machine = yield* traits();
  const names = yield* list(dir, STAGE_PREFIX);
  const removed: string[] = [];
  const failed: { path: string; error: unknown }[] = [];
  let keptCount = 0;
  for (const name of names) {
    const kind = stageKind(name);
    if (!kind) continue;
    const at = path.join(dir, name);
    try {
      if (yield* removeIfDead(at, kind === "unlocked" ? "none" : machine.lock, machine)) removed.push(at);
      else keptCount++;
    } catch (error) {
      failed.push({ path: at, error });
    }
  }
  return { removed, failed, keptCount };
}

/** `proof`: what tells whether the writer of this file lives. */
function* removeIfDead(at: string, proof: Traits["lock"], machine: Traits): Program<boolean> {
  const found = yield* lstat(at);
  if (!found || !isOurs(found, machine)) return false;
  const age = (yield* now()) - found.modifiedMs;
  if (age < AGE_MIN_MS[proof]) return false;
  if (proof !== "kernel") {
    yield* unlink(at); // Windows refuses while the writer has it open exclusively
    return true;
  }
  const file = yield* open(at, "read");
  const body = function* (): Program<boolean> {
    // A shared lock is enough to learn that no writer holds its exclusive one, and needs no right to write.
    if (!(yield* tryLock(file, "shared"))) return false;
    if ((yield* statFile(file)).id !== found.id) return false;
    yield* unlink(at);
    return true;
  };
  return yield* ensure(body(), () => close(file));
}

/** Root gives a staged file the owner of the file to be replaced, and can be killed right after that. */
function isOurs(found: Stat, { userId }: Traits): boolean {
  return found.kind === "file" && (userId === undefined || userId === 0 || found.userId === userId);
}
