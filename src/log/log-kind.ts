/** Logs, as the doctor sees them. */
import * as path from "node:path";
import type { Finding, Kind, Repaired, Thing } from "../core/finding.ts";
import { measure } from "../core/measure.ts";
import { type HoldfastError, isHoldfastError } from "../errors.ts";
import { Room } from "../format/log.ts";
import { bootOf, decodeHint, LOG_LOCK_NAME, SEGMENT_NAMES, segmentName, segmentNumber } from "../format/log-files.ts";
import type { File } from "../io/io.ts";
import { close, dropLock, ensure, open, type Program, readLockNote, statFile, takeLock, traits } from "../io/program.ts";
import { lockKind } from "../lock/index.ts";
import { pathIn } from "../util/path.ts";
import { statLog } from "./inspect.ts";
import { leave, type Owned, takeOver } from "./owner.ts";

/** Not `head` and snapshots, which are never alone. */
const NAMES = /^(segment-\d{12}|log\.lock(\.holder)?)$/;

/**
 * A directory with segments. Whether its last owner died shows in the length of its newest segment. Damage in the records of
 * older ones is what `holdfast log verify` finds.
 *
 * @internal
 */
export const logKind: Kind = {
  names: NAMES,
  keyOf: (name) => (NAMES.test(name) ? LOG_LOCK_NAME : undefined),
  examine,
  repair,
};

function* examine(thing: Thing): Program<Finding | undefined> {
  const { dir, names } = thing;
  const segments = names.filter((name) => SEGMENT_NAMES.test(name)).map(segmentNumber);
  const lock = pathIn(dir, LOG_LOCK_NAME);
  // Anybody may call a lock so.
  if (segments.length === 0) return yield* lockKind.examine(thing);
  if (!names.includes(LOG_LOCK_NAME)) return undefined;
  const facts = { path: dir, kind: "log", ...(yield* measure(dir)) } as const;
  if (yield* isHeld(lock)) return { ...facts, state: "live", repair: "kept", text: "a process is appending to it" };
  const damage = yield* damageOf(dir);
  if (damage) {
    const { position, offset } = damage.details;
    const where =
      position === undefined ? "" : ` from record ${position} on, at byte ${offset} of ${path.basename(damage.path ?? "")}`;
    const text = `damaged${where}: holdfast log cat gives what is before; restore the rest from a good copy`;
    return { ...facts, state: "damaged", repair: "kept", text };
  }
  const newest = segmentName(segments.reduce((most, segment) => Math.max(most, segment)));
  const file = yield* open(pathIn(dir, newest), "read");
  if (yield* ensure(isAsSaid(file, lock, newest), () => close(file)))
    return { ...facts, state: "idle", repair: "kept", text: "an append-only log; holdfast log verify reads all of it" };
  const text =
    "its last owner died in the middle of an append, or the system did; the next one who opens it goes on behind what counts";
  return { ...facts, state: "dead", repair: "recovered", text };
}

function* isHeld(lock: string): Program<boolean> {
  const taken = yield* takeLock(lock, "shared");
  if (taken) yield* dropLock(taken.lock);
  return taken === undefined;
}

function* isAsSaid(file: File, lock: string, newest: string): Program<boolean> {
  const { mark } = decodeHint(yield* readLockNote(lock)) ?? {};
  return mark !== undefined && segmentName(mark.segment) === newest && mark.length === (yield* statFile(file)).sizeBytes;
}

/** What shows in the beginning of each segment, in the newest one, and in the snapshot. */
function* damageOf(dir: string): Program<HoldfastError | undefined> {
  try {
    yield* statLog(dir);
    return undefined;
  } catch (error) {
    if (isHoldfastError(error, "CORRUPT_LOG")) return error;
    throw error;
  }
}

/** What the next owner would do. */
function* repair({ dir }: Thing): Program<Repaired> {
  const taken = yield* takeLock(pathIn(dir, LOG_LOCK_NAME), "exclusive");
  if (!taken) return { repair: "kept", text: "a process is appending to it" };
  const owned: Owned = { dir, boot: bootOf((yield* traits()).boot), tail: undefined, room: new Room() };
  const body = function* (): Program<Repaired> {
    yield* takeOver(owned, taken.lock);
    yield* leave(owned);
    return { repair: "recovered", text: "what its last owner had not finished is behind the end now; nothing was removed" };
  };
  return yield* ensure(body(), () => dropLock(taken.lock));
}
