/** What shows that an owner is dead. */
import type { StageKind } from "../format/names.ts";
import type { Stat, Traits } from "../io/io.ts";
import { now, type Program, traits } from "../io/program.ts";
import { SWEEP_AGE_NO_LOCK_MS, SWEEP_AGE_SHARE_MODE_MS } from "../util/limits.ts";

/** Age below which a staged file is left alone, whatever its lock says. */
const AGE_MIN_MS: Readonly<Record<Traits["lock"], number>> = {
  kernel: 0,
  "share-mode": SWEEP_AGE_SHARE_MODE_MS,
  none: SWEEP_AGE_NO_LOCK_MS,
};

/** What tells of an owner of this kind whether it lives. */
export function* proofOf(kind: StageKind): Program<Traits["lock"]> {
  return kind === "unlocked" ? "none" : (yield* traits()).lock;
}

/** Whether `found` is as old as it must be before anybody but its owner touches it. */
export function* isOld(found: Stat, kind: StageKind): Program<{ readonly old: boolean; readonly proof: Traits["lock"] }> {
  const proof = yield* proofOf(kind);
  return { old: (yield* now()) - found.modifiedMs >= AGE_MIN_MS[proof], proof };
}

/** Whether it belongs to the user of this process: only then it may be removed. */
export function* isOurs(found: Stat): Program<boolean> {
  const { userId } = yield* traits();
  return userId === undefined || found.userId === userId;
}
