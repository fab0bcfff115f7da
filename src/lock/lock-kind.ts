/** Lock files, as the doctor sees them. */
import type { Finding, Kind, Thing } from "../core/finding.ts";
import { startOf } from "../core/probe.ts";
import { type LockNote, type LockOwner, parseLockNote } from "../format/lock-note.ts";
import { JOURNAL_LOCK_NAME, OURS } from "../format/names.ts";
import type { Stat } from "../io/io.ts";
import { close, dropLock, ensure, lstat, open, type Program, readLockNote, takeLock, traits, tryLock } from "../io/program.ts";
import { pathIn } from "../util/path.ts";

const HOLDER = /\.holder$/;

/**
 * Callers name lock files as they like; those that end in `.lock` are found, which all have that Holdfast names. Their text tells
 * them from those of other programs. They are never removed, so there is nothing to repair: whoever takes the lock of a dead
 * owner is told of it, and a doctor who took it first would be told instead.
 *
 * @internal
 */
export const lockKind: Kind = {
  names: /\.lock(\.holder)?$/,
  keyOf(name) {
    const lock = name.replace(HOLDER, "");
    return OURS.test(lock) && lock !== JOURNAL_LOCK_NAME ? undefined : lock;
  },
  examine,
};

function* examine({ dir, names }: Thing): Program<Finding | undefined> {
  const name = (names[0] ?? "").replace(HOLDER, "");
  const path = pathIn(dir, name);
  const holder = names.find((one) => HOLDER.test(one));
  const found = yield* lstat(path);
  if (found && found.kind !== "file") return undefined;
  const facts = { path, kind: "lock", sizeBytes: found?.sizeBytes ?? 0, repair: "kept" } as const;
  const note = found ? yield* noteAt(path, found) : NONE;
  if (note.state === "foreign") return undefined;
  if (note.state !== "new") return { ...facts, ...(yield* stateOf(path, note)) };
  if (holder !== undefined)
    return yield* besideIt({ ...facts, path: found ? path : pathIn(dir, holder) }, pathIn(dir, holder), found);
  return name === JOURNAL_LOCK_NAME ? { ...facts, ...(yield* stateOf(path, note)) } : undefined;
}

const NONE: LockNote = { state: "new" };

/** An empty file is not opened: where SQLite locks it, closing it would drop a lock that this process has. */
function* noteAt(path: string, { sizeBytes }: Stat): Program<LockNote> {
  const note = yield* readLockNote(path);
  return parseLockNote(note || (sizeBytes > 0 && (yield* startOf(path))) || "");
}

/** The note of processes that lock in another way than this one, or one that was left alone. */
function* besideIt(facts: Omit<Finding, "state" | "text">, holder: string, lock: Stat | undefined): Program<Finding | undefined> {
  const note = parseLockNote((yield* startOf(holder)) ?? "");
  if (note.state === "foreign" || note.state === "new") return undefined;
  if (!lock)
    return { ...facts, state: "idle", text: "the lock file that it belongs to is gone: remove it if nothing uses that lock" };
  if (note.state !== "held") return { ...facts, ...(yield* stateOf(facts.path, note)) };
  const text = `other processes lock it in another way than this one, and can't be asked: ${who(note.owner)} had it last`;
  return { ...facts, state: "unknown", owner: note.owner, text };
}

/** Asks the kernel only if the note says that somebody has it: a free lock is not touched. */
function* stateOf(path: string, note: LockNote): Program<Pick<Finding, "owner" | "state" | "text">> {
  if (note.state !== "held") return { state: "idle", text: "nobody has it alone; lock files stay where they are" };
  const { owner } = note;
  if (yield* isHeld(path)) return { owner, state: "live", text: `${who(owner)} has it` };
  return { owner, state: "dead", text: `${who(owner)} has ended without releasing it; the next owner is told` };
}

const who = (owner: LockOwner | undefined): string =>
  owner ? `process ${owner.pid} on ${owner.host} since ${owner.since}` : "an owner";

/** Shared and for a moment: others who hold it shared notice nothing, and one who tries to have it alone just then tries again. */
function* isHeld(path: string): Program<boolean> {
  if ((yield* traits()).lock !== "kernel") {
    const taken = yield* takeLock(path, "shared");
    if (taken) yield* dropLock(taken.lock);
    return taken === undefined;
  }
  const file = yield* open(path, "read"); // not to be written to, so on read-only media too
  return !(yield* ensure(tryLock(file, "shared"), () => close(file)));
}
