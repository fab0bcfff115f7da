/** What shows that an owner is dead. */
import type { OurName, StageKind } from "../format/names.ts";
import type { Stat, Traits } from "../io/io.ts";
import { close, ensure, lstat, now, open, type Program, statFile, traits, tryLock } from "../io/program.ts";
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

/** `foreign`: it belongs to another user, or is no file. `young`: only its age would tell, and does not yet. */
export type NotDead = "foreign" | "gone" | "live" | "young";

/** Calls `use` while it is certain that the owner of the file `at` (a staged file, or a unit's file of life) is dead. */
export function* whileDead<T>(
  at: string,
  { kind, part }: Pick<OurName, "kind" | "part">,
  use: () => Program<T>,
): Program<NotDead | T> {
  const found = yield* lstat(at);
  if (!found) return "gone";
  if (found.kind !== "file" || !(yield* part === "stage" ? mayRemove(found) : isOurs(found))) return "foreign";
  const { old, proof } = yield* isOld(found, kind);
  const isOpenAllItsLife = part === "life" && proof === "share-mode"; // no time between a close and a rename
  if (!old && !isOpenAllItsLife) return "young";
  if (proof !== "kernel") return yield* use(); // Windows refuses all that could be done while it is open exclusively
  const file = yield* open(at, "read");
  const body = function* (): Program<NotDead | T> {
    // A shared lock is enough to learn that no writer holds its exclusive one, and needs no right to write.
    if (!(yield* tryLock(file, "shared"))) return "live";
    if ((yield* statFile(file)).id !== found.id) return "gone";
    return yield* use();
  };
  return yield* ensure(body(), () => close(file));
}

/**
 * Root gives a staged file the owner of the file to be replaced, and can be killed right after that; so it removes those of
 * others too. Not more than that: a journal of another user is nothing for root to carry out.
 */
function* mayRemove(found: Stat): Program<boolean> {
  return (yield* isOurs(found)) || (yield* traits()).userId === 0;
}
