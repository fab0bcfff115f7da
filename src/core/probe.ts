/** Whether an owner lives, asked by somebody who changes nothing. */
import { errnoOf } from "../errors.ts";
import { type LockOwner, parseLockNote } from "../format/lock-note.ts";
import type { OurName } from "../format/names.ts";
import { close, ensure, open, type Program, read } from "../io/program.ts";
import { LOCK_NOTE_BYTES } from "../util/limits.ts";
import { type NotDead, whileDead } from "./dead.ts";

/** What was found out about the owner of a staged file or unit. */
export type Verdict = NotDead | "dead";

/**
 * Asks whether the owner lives. For this moment the file has a shared lock, which nobody waits for: an owner has its lock since
 * it made the file, and one that is just making it takes another name if the lock is refused; a sweep leaves it for the next one.
 */
export function probe(at: string, name: Pick<OurName, "kind" | "part">): Program<Verdict> {
  return whileDead(at, name, () => unlessHeld(at));
}

/** Windows: an exclusive open is the proof of life. */
function* unlessHeld(at: string): Program<"dead" | "live"> {
  const bytes = yield* startOf(at);
  return bytes === undefined ? "live" : "dead";
}

/** Who has made the unit whose file of life is at `at`, if that can be read. */
export function* ownerOf(at: string): Program<LockOwner | undefined> {
  const note = parseLockNote((yield* startOf(at)) ?? "");
  return note.state === "held" ? note.owner : undefined;
}

/** The text at the beginning of a file; empty if it is gone, undefined if somebody has it open exclusively. */
export function* startOf(at: string): Program<string | undefined> {
  try {
    const file = yield* open(at, "read");
    const bytes = new Uint8Array(LOCK_NOTE_BYTES);
    const count = yield* ensure(read(file, bytes, 0), () => close(file));
    return new TextDecoder().decode(bytes.subarray(0, count));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    if (["EBUSY", "EPERM"].includes(errnoOf(error))) return undefined;
    throw error;
  }
}
