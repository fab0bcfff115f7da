/** The text of a lock file: `docs/format/lock.md`. */
import { LOCK_NOTE_BYTES } from "../util/limits.ts";

/** Who holds, or held, a lock. For messages only. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** When it was taken, as ISO 8601. */
  readonly since: string;
}

/**
 * What a lock file says: `new`, nothing yet; `free`, released properly; `held`, by this owner, who has died if the lock
 * can be taken all the same; `foreign`, it is no lock file of ours.
 */
export type LockNote =
  | { readonly state: "foreign" | "free" | "new" }
  | { readonly state: "held"; readonly owner: LockOwner | undefined };

const MAGIC = "holdfast-lock 1";
const FREE = "free";
/** A power loss can keep the size of a file and lose its content. Whose note it was is unknown, so it counts as held. */
const LOST = "\0".repeat(LOCK_NOTE_BYTES);

/** The text for a lock that is held, or free if there is no owner. */
export function lockNote(owner: LockOwner | undefined): string {
  const text = owner ? JSON.stringify({ ...owner, host: owner.host.slice(0, 64) }) : FREE;
  return `${`${MAGIC} ${text}`.padEnd(LOCK_NOTE_BYTES - 1)}\n`;
}

/** What the text of a lock file says. */
export function parseLockNote(text: string): LockNote {
  if (text === "") return { state: "new" };
  if (text === LOST) return { state: "held", owner: undefined };
  const trimmed = text.trim();
  if (!trimmed.startsWith(`${MAGIC} `)) return { state: "foreign" };
  const rest = trimmed.slice(MAGIC.length + 1);
  return rest === FREE ? { state: "free" } : { state: "held", owner: parseOwner(rest) };
}

/** Undefined if the text was cut in the middle: it is written without care for crashes. */
function parseOwner(text: string): LockOwner | undefined {
  try {
    const { pid, host, since } = JSON.parse(text) as Partial<Record<keyof LockOwner, unknown>>;
    return typeof pid === "number" && typeof host === "string" && typeof since === "string" ? { pid, host, since } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
