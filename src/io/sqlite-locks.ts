/**
 * Lock files without a native addon: the lock that SQLite takes on an empty database, for POSIX where fs-native-extensions
 * can't be loaded (musl, Deno) and Node has `node:sqlite` (22.13 and later).
 *
 * Nobody opens such a file in any other way: closing any descriptor of it would drop the lock (fcntl(2), POSIX locks).
 */
import * as fs from "node:fs";
import { dirname } from "node:path";
import { HoldfastError } from "../errors.ts";
import type { HeldLock } from "./io.ts";
import { holderNote, type LockFiles, readTextAt } from "./lock-files.ts";

/** What we use of `node:sqlite`. */
interface Database {
  exec(sql: string): void;
  close(): void;
}
interface Sqlite {
  readonly DatabaseSync: new (path: string) => Database;
}

const SQLITE_BUSY = 5;
/** What a lock file of the addon begins with; see `format/lock-note.ts`. */
const OTHER_NOTE = /^holdfast-lock /;

/** `node:sqlite`, or undefined where Node has none. */
export function loadSqlite(): Sqlite | undefined {
  const { getBuiltinModule } = process as { getBuiltinModule?: (id: string) => unknown };
  return getBuiltinModule?.("node:sqlite") as Sqlite | undefined;
}

/** Lock files by way of `node:sqlite`. */
export function sqliteLockFiles({ DatabaseSync }: Sqlite): LockFiles {
  const held = new Map<HeldLock, { readonly database: Database; readonly path: string }>();
  let last = 0;
  return {
    takeLock(path, how) {
      const content = contentOf(path);
      if (OTHER_NOTE.test(content)) throw otherMechanism(path);
      const lock = --last as HeldLock;
      if (content !== "") return { lock, note: content }; // no lock file: the caller sees it by this, and lets go
      const database = opened(path, DatabaseSync);
      try {
        if (!begin(database, how, path)) {
          database.close();
          return undefined;
        }
      } catch (error) {
        database.close();
        throw error;
      }
      held.set(lock, { database, path });
      return { lock, note: holderNote.read(path) };
    },
    writeLockNote(lock, note) {
      const { path } = held.get(lock) ?? {};
      if (path !== undefined) holderNote.write(path, note);
    },
    dropLock(lock) {
      held.get(lock)?.database.close();
      held.delete(lock);
    },
    letLockGo: (lock) => held.get(lock)?.database.exec("ROLLBACK"),
    retakeLock(lock) {
      const { database, path } = held.get(lock) ?? {};
      return database !== undefined && path !== undefined && begin(database, "exclusive", path);
    },
    readLockNote: holderNote.read,
  };
}

/** False: somebody else has it. */
function begin(database: Database, how: "exclusive" | "shared", path: string): boolean {
  try {
    // An empty database has one table to read, and reading it takes the shared lock.
    database.exec(how === "exclusive" ? "BEGIN EXCLUSIVE" : "BEGIN; SELECT count(*) FROM sqlite_schema");
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw plainer(error, path);
  }
}

/** Only of a file that has content: SQLite has no lock on such a one, that closing it would drop. */
function contentOf(path: string): string {
  return fs.statSync(path, { throwIfNoEntry: false })?.size ? readTextAt(path) : "";
}

function opened(path: string, DatabaseSync: Sqlite["DatabaseSync"]): Database {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw plainer(error, path);
  }
}

/** SQLite says only that it can't open or write the file. What access(2) says about it has an errno. */
function plainer(error: unknown, path: string): unknown {
  try {
    fs.accessSync(fs.existsSync(path) ? path : dirname(path), fs.constants.R_OK | fs.constants.W_OK);
    return error;
  } catch (reason) {
    return reason;
  }
}

function otherMechanism(path: string): HoldfastError {
  const what =
    "other processes lock this file with fs-native-extensions, which this one can't load; npm install fs-native-extensions";
  return new HoldfastError("UNSUPPORTED", { what, path });
}
