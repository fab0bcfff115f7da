/**
 * The record of a commit of several steps, which carries it to its end whatever interrupts it.
 *
 * The record is the commit point. Before it is durable nothing but staged content exists; from then on each step can be done
 * again, by this process or, after a crash, by the next one, until the steps are durable and the record is removed.
 * `docs/format/journal.md` has the argument.
 *
 * Whoever carries out a record holds the lock of its unit and the journal lock of its directory.
 */
import * as path from "node:path";
import { errnoOf } from "../errors.ts";
import { decodeJournal, encodeJournal, type JournalRecord, WHOLE } from "../format/journal.ts";
import { ourName } from "../format/names.ts";
import {
  cleanUp,
  close,
  ensure,
  NotApplied,
  open,
  type Program,
  rename,
  syncDir,
  syncFile,
  traits,
  unlink,
} from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { readWhole } from "./read.ts";
import { checkSize, closeStage, createStage, discardStage } from "./stage.ts";
import { unlessGone } from "./unless-gone.ts";
import { writeSource } from "./write.ts";

/** A record, and where it is. */
export interface Journal {
  /** The directory that its paths are relative to, and that it is in. */
  readonly dir: string;
  /** Of the unit that it commits. */
  readonly id: string;
  readonly record: JournalRecord;
}

const RECORD_MODE = 0o600;

/** Where the record of a unit is. */
const recordPath = ({ dir, id }: Pick<Journal, "dir" | "id">): string => pathIn(dir, ourName("journal", id));

/** A path of a record as one of this platform. */
export const pathOf = ({ dir }: Pick<Journal, "dir">, relative: string): string =>
  pathIn(dir, relative.split("/").join(path.sep));

/** What the unit replaces. */
export const targetOf = ({ dir, record }: Pick<Journal, "dir" | "record">): string =>
  record.target === WHOLE ? dir : pathIn(dir, record.target);

/** Makes the record durable; if that fails, takes it back, so that nothing was changed. */
export function* publishRecord(journal: Journal): Program<void> {
  try {
    yield* writeRecord(journal);
  } catch (first) {
    yield* unlessApplied(first, dropRecord(journal));
  }
}

/** Throws that nothing was changed if `undo` succeeds, and else the first error, which leaves that open. */
export function* unlessApplied(first: unknown, undo: Program<unknown>): Program<never> {
  try {
    yield* undo;
  } catch (error) {
    if (errnoOf(error) === "") throw error;
    throw first;
  }
  throw new NotApplied(first);
}

function* writeRecord(journal: Journal): Program<void> {
  const bytes = encodeJournal(journal.record);
  const staged = yield* createStage(journal.dir, RECORD_MODE);
  try {
    yield* writeSource(staged.file, bytes, 0);
    yield* syncFile(staged.file);
    yield* checkSize(staged, bytes.length);
    yield* syncDir(journal.dir); // the names of what the record is about are durable before the record's own
    if (!(yield* traits()).replacesOpenFiles) yield* closeStage(staged); // Windows renames no file that is open so
    yield* rename(staged.path, recordPath(journal)); // the id is random, and its lock is held: there is no other
    yield* closeStage(staged);
    yield* syncDir(journal.dir);
  } catch (first) {
    yield* cleanUp(() => discardStage(staged));
    throw first;
  }
}

/**
 * Reads the record of a unit.
 *
 * @throws {HoldfastError} CORRUPT_JOURNAL, UNSUPPORTED: see {@link decodeJournal}.
 */
export function* readRecord(dir: string, id: string): Program<Journal> {
  const at = recordPath({ dir, id });
  return { dir, id, record: decodeJournal(yield* readWhole(at, 0), at) };
}

/** Makes the record of a dead owner durable before anybody acts on it: what a killed process has left may be in memory only. */
export function* syncRecord(journal: Journal): Program<void> {
  const file = yield* open(recordPath(journal), "edit");
  yield* ensure(syncFile(file), () => close(file));
  yield* syncDir(journal.dir);
}

/** Removes the record for good: nothing is left to be done. Whether the directory was synced. */
export function* dropRecord(journal: Pick<Journal, "dir" | "id">): Program<boolean> {
  yield* unlessGone(unlink(recordPath(journal)));
  return yield* syncDir(journal.dir);
}
