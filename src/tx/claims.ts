/**
 * Who changes what: each transaction claims a path before it looks at it, and no two that live have claimed the same one, or one
 * above or below the other. A claim is a line in a file that has the id of the transaction's unit; the lock of its life file tells
 * whether it still counts. `docs/format/journal.md`, "Claims".
 */

import { tellSettled } from "../core/prepare.ts";
import { ownerOf } from "../core/probe.ts";
import { readWhole } from "../core/read.ts";
import { settleUnit } from "../core/sweep-units.ts";
import { findRecord, overlaps, unfinishedError } from "../core/unfinished.ts";
import { unlessGone } from "../core/unless-gone.ts";
import { writeSource } from "../core/write.ts";
import { errnoOf, HoldfastError, isHoldfastError } from "../errors.ts";
import { WHOLE } from "../format/journal.ts";
import { CLAIMS_LOCK_NAME, CLAIMS_NAME, ourName, parseOurName } from "../format/names.ts";
import type { HeldLock, Machine } from "../io/io.ts";
import { perMachine } from "../io/per-machine.ts";
import {
  close,
  dropLock,
  ensure,
  list,
  lstat,
  makeDir,
  now,
  open,
  type Program,
  random,
  sleep,
  takeLock,
  unlink,
} from "../io/program.ts";
import { LOCK_DELAY_FIRST_MS, LOCK_DELAY_MAX_MS } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";

/** What one transaction has claimed. */
export interface Claims {
  readonly root: string;
  readonly id: string;
  /** Folded paths. */
  readonly paths: string[];
  sizeBytes: number;
  /** Whether the file may be there. */
  begun: boolean;
}

/** How long to wait for others. `notForOwn`: not for this process, which can't go on meanwhile. */
export interface Patience {
  readonly timeoutMs: number;
  readonly notForOwn: boolean;
}

/** Transactions of this process. */
export const ownIdsOf: (machine: Machine) => Set<string> = perMachine(() => new Set<string>());

const dirOf = (root: string): string => pathIn(root, CLAIMS_NAME);
const fileOf = (root: string, id: string): string => pathIn(dirOf(root), id);
const isId = (name: string): boolean => parseOurName(ourName("dir", name))?.id === name;

/** Whether a path needs no claim of its own any more. */
export const isClaimed = ({ paths }: Claims, path: string): boolean =>
  paths.some((one) => one === path || path.startsWith(`${one}/`));

/** Claims a path, once nobody else has claimed it. Waits without a slot: it may take long. */
export function* claim(own: Claims, path: string, patience: Patience, ownIds: ReadonlySet<string>): Program<void> {
  let inTheWay: string | undefined;
  yield* retrying(patience.timeoutMs, function* (waitedMs, isLast) {
    inTheWay = yield* tryClaim(own, path);
    if (inTheWay === undefined) return true;
    if (inTheWay !== BUSY && (yield* settle(own.root, inTheWay))) return false;
    if (isLast || (patience.notForOwn && ownIds.has(inTheWay))) throw yield* claimedBy(own.root, inTheWay, path, waitedMs);
    return undefined;
  });
}

/** In the way is somebody who just has the lock of all claims. */
const BUSY = "";

/** Tries until it is true; at once if it is false, and else after a pause. */
function* retrying(
  timeoutMs: number,
  attempt: (waitedMs: number, isLast: boolean) => Program<boolean | undefined>,
): Program<void> {
  const startMs = yield* now();
  let pausedMs = 0;
  for (let delayMs = LOCK_DELAY_FIRST_MS; ; ) {
    const waitedMs = Math.max(pausedMs, (yield* now()) - startMs);
    const done = yield* attempt(waitedMs, waitedMs >= timeoutMs);
    if (done) return;
    if (done === false) continue;
    const [byte = 0] = yield* random(1);
    const pauseMs = Math.min(Math.max(1, timeoutMs - waitedMs), delayMs * (0.5 + byte / 510));
    yield* sleep(pauseMs);
    pausedMs += pauseMs;
    delayMs = Math.min(LOCK_DELAY_MAX_MS, delayMs * 2);
  }
}

/** The id of whoever is in the way; undefined: the path is claimed. */
function* tryClaim(own: Claims, path: string): Program<string | undefined> {
  const { root } = own;
  const taken = yield* takeLock(pathIn(dirOf(root), CLAIMS_LOCK_NAME), "exclusive");
  if (!taken) return BUSY;
  const body = function* (): Program<string | undefined> {
    for (const { name } of yield* list(dirOf(root))) {
      if (!isId(name) || name === own.id) continue;
      const paths = yield* claimedIn(fileOf(root, name));
      if (paths === undefined || paths.some((one) => overlaps(one, path))) return name;
    }
    yield* write(own, path);
    return undefined;
  };
  return yield* ensure(body(), () => dropLock(taken.lock));
}

/** Undefined: nobody knows, as whoever was writing it was killed. */
function* claimedIn(file: string): Program<readonly string[] | undefined> {
  let text: string;
  try {
    text = new TextDecoder().decode(yield* readWhole(file, 0));
  } catch (error) {
    if (isHoldfastError(error, "NOT_FOUND")) return [];
    throw error;
  }
  if (!text.endsWith("\n")) return undefined;
  try {
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as string);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function* write(own: Claims, path: string): Program<void> {
  const at = fileOf(own.root, own.id);
  const line = new TextEncoder().encode(`${JSON.stringify(path)}\n`);
  const access = own.begun ? "edit" : "create";
  own.begun = true;
  const file = yield* open(at, access);
  yield* ensure(writeSource(file, line, own.sizeBytes), () => close(file));
  own.sizeBytes += line.length;
  own.paths.push(path);
}

/** Whether a transaction in the way was dead, and now is not in the way any more. */
function* settle(root: string, id: string): Program<boolean> {
  const kind = parseOurName(ourName("dir", id))?.kind ?? "locked";
  const settled = yield* settleUnit({ dir: root, id, kind, journalLocked: false });
  if (settled === "live") return false;
  tellSettled(root, id, settled);
  yield* unlessGone(unlink(fileOf(root, id)));
  return true;
}

function* claimedBy(root: string, id: string, path: string, waitedMs: number): Program<HoldfastError> {
  const owner = id === BUSY ? undefined : yield* ownerOf(pathIn(root, ourName("life", id)));
  const who = owner ? `process ${owner.pid} on ${owner.host} since ${owner.since}` : "somebody else";
  return new HoldfastError("LOCKED", {
    what: `a transaction of ${who} is about the same path, after waiting ${Math.round(waitedMs)} ms`,
    path: pathIn(root, path),
    details: { waitedMs, ...owner },
  });
}

/** Gives up all claims. */
export function* release({ root, id, begun }: Claims): Program<void> {
  if (begun) yield* unlessGone(unlink(fileOf(root, id)));
}

/** Makes the place for claims, and removes those of transactions that others have settled. */
export function* prepareClaims(root: string): Program<void> {
  try {
    yield* makeDir(dirOf(root));
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  for (const { name } of yield* list(dirOf(root))) {
    // In this order: the life file is there before the claim, and the record until after it.
    if (!isId(name) || (yield* lstat(pathIn(root, ourName("life", name))))) continue;
    if (yield* lstat(pathIn(root, ourName("journal", name)))) continue;
    yield* unlessGone(unlink(fileOf(root, name)));
  }
}

/**
 * Waits for interrupted transactions whose claims were lost in a power loss, and which somebody is just recovering: nothing else
 * says what they are about.
 */
export function* awaitUnclaimed(root: string, timeoutMs: number, sweep: () => Program<unknown>): Program<void> {
  yield* retrying(timeoutMs, function* (_, isLast) {
    const unclaimed: string[] = [];
    const failed = yield* findRecord(root, ({ id, record }) => {
      if (record.target === WHOLE) unclaimed.push(id);
      return false;
    });
    if (isHoldfastError(failed)) throw failed;
    for (const id of unclaimed) {
      if (yield* lstat(fileOf(root, id))) continue;
      const record = pathIn(root, ourName("journal", id));
      if ((yield* lstat(record)) === undefined) continue;
      if (isLast) throw unfinishedError(record, root);
      yield* sweep();
      return undefined;
    }
    return true;
  });
}

/** Takes a lock shared with all who hold it so. */
export function* takeShared(path: string, timeoutMs: number): Program<HeldLock> {
  let lock: HeldLock | undefined;
  yield* retrying(timeoutMs, function* (waitedMs, isLast) {
    lock = (yield* takeLock(path, "shared"))?.lock;
    if (lock !== undefined) return true;
    if (isLast) throw new HoldfastError("LOCKED", { path, details: { waitedMs } });
    return undefined;
  });
  return lock as HeldLock;
}
