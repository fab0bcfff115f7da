import { makeDirs } from "../core/make-dirs.ts";
import { type Durability, memoryOf, prepare, reached } from "../core/prepare.ts";
import { HoldfastError } from "../errors.ts";
import { Room } from "../format/log.ts";
import { bootOf, LOG_LOCK_NAME } from "../format/log-files.ts";
import { never } from "../io/abort.ts";
import { currentMachine } from "../io/current.ts";
import { type Data, toSource } from "../io/data.ts";
import type { HeldLock, Machine } from "../io/io.ts";
import { type Program, realPath, sleep, stat, syncDir, traits } from "../io/program.ts";
import { run } from "../io/run.ts";
import { KeptLock } from "../lock/index.ts";
import { LOG_LOCK_TIMEOUT_MS, SEGMENT_BYTES, TAIL_DELAY_FIRST_MS, TAIL_DELAY_MAX_MS } from "../util/limits.ts";
import { checkOptions } from "../util/options.ts";
import { absoluteDirectory, pathIn } from "../util/path.ts";
import { appendBatch } from "./append.ts";
import { Batches, type Take } from "./batches.ts";
import { type LogStat, statLog } from "./inspect.ts";
import { LogSnapshot, type SnapshotResult } from "./log-snapshot.ts";
import {
  ABORTABLE,
  checkPosition,
  OPEN,
  type OpenLogOptions,
  READ,
  type ReadLogOptions,
  recordBytes,
  type SnapshotOptions,
  VERIFY,
  type VerifyLogOptions,
} from "./options.ts";
import { leave, type Owned, takeOver } from "./owner.ts";
import { closeCursor, type LogRecord, openCursor, readMore } from "./read.ts";
import { findSnapshot, publishSnapshot, settleBefore } from "./snapshot.ts";
import { type Truncated, truncateLog } from "./truncate.ts";

/** What {@link Log.append} resolves with. */
export interface AppendResult {
  /** The record's place in the log: the first has 0, each has one more than the one before. Never given twice. */
  readonly position: number;
  /** The level that was reached: less than `durable` where the file system gives no more. */
  readonly durability: Durability;
}

/** What {@link Log.verify} has read. */
export interface Verified {
  readonly recordCount: number;
  readonly readBytes: number;
}

interface Opened {
  readonly machine: Machine;
  readonly dir: string;
  /** Undefined: only to read. */
  readonly append: Appending | undefined;
}

/** What an object that appends has beside. */
interface Appending {
  readonly owned: Owned;
  readonly lock: KeptLock;
  readonly durability: Durability;
  readonly batches: Batches;
}

/** An append-only log that is open. Made by {@link openLog}. */
export class Log {
  /** The directory, without symbolic links. */
  readonly path: string;
  readonly #opened: Opened;
  #closed = false;

  /** @internal */
  constructor(opened: Opened) {
    this.path = opened.dir;
    this.#opened = opened;
  }

  /**
   * Appends one record, and resolves when it is durable. Records that are appended meanwhile, by any caller of this object,
   * are committed together: one write and one sync for all. They are in the order of the calls.
   *
   * @param record Must not be changed until the promise has settled.
   * @throws {HoldfastError} `SYNC_FAILED` with outcome `unknown`: whether the record is in the log shows when it is read;
   *   `NO_SPACE` with `unchanged`: it is not; `LOCKED` after a minute; `CORRUPT_LOG`; `CLOSED`.
   */
  async append(record: Uint8Array): Promise<AppendResult> {
    const bytes = recordBytes(record);
    const { batches, durability } = this.#toAppend();
    return { position: await batches.append(bytes), durability };
  }

  /**
   * The synchronous twin of {@link Log.append}, for exit handlers and where nothing else goes on: records that wait in this
   * process are committed with it. `LOCKED` at once if a batch of this process is under way, which could not go on meanwhile.
   *
   * @throws As {@link Log.append}.
   */
  appendSync(record: Uint8Array): AppendResult {
    const bytes = recordBytes(record);
    const { batches, durability } = this.#toAppend();
    return { position: batches.appendSync(bytes), durability };
  }

  /**
   * Gives the records that are durable now, in order. Takes no lock and waits for nobody.
   *
   * @throws {HoldfastError} `CORRUPT_LOG` where one is damaged, after all before it; `NOT_FOUND` if records from there on were
   *   removed.
   */
  read(options?: ReadLogOptions): AsyncGenerator<LogRecord, void, undefined> {
    const { from, signal } = checkOptions(options, READ);
    return this.#records(from, signal ?? never, false);
  }

  /**
   * As {@link Log.read}, and then waits for more, by this process and others, until the signal aborts or the loop is left. What
   * it gives is durable: no crash takes it back.
   *
   * @throws {HoldfastError} As {@link Log.read}; `ABORTED`.
   */
  tail(options?: ReadLogOptions): AsyncGenerator<LogRecord, void, undefined> {
    const { from, signal } = checkOptions(options, READ);
    return this.#records(from, signal ?? never, true);
  }

  /**
   * Removes all records before a position, for good. Those at and after it keep their positions; readers that are among the
   * removed go on where their segment ends, or fail with `NOT_FOUND`. Space is freed segment by segment.
   *
   * @throws {RangeError} The position is beyond the end.
   * @throws {HoldfastError} As {@link Log.append}. After an error it may be done; do it again.
   */
  async truncateBefore(position: number): Promise<Truncated> {
    checkPosition(position);
    const { lock, owned } = this.#toAppend();
    return await lock.use((held) => truncateLog(owned, held, position));
  }

  /**
   * Publishes what the application has made of all records before a position, as one file, in place of the snapshot before it.
   *
   * Guarantee: after a crash {@link Log.latestSnapshot} gives the old one or the new one, whole, and the new one once this has
   * resolved. The records before the position are durable then, at any level. So `truncateBefore(position)` is safe after it.
   *
   * @param data As for `writeFile`: bytes, text, or chunks, of which one is in memory.
   * @throws {RangeError} The position is beyond the end, or before that of the latest snapshot.
   * @throws {HoldfastError} As {@link Log.append}; `SOURCE_FAILED`, `ABORTED`.
   */
  async snapshot(position: number, data: Data, options?: SnapshotOptions): Promise<SnapshotResult> {
    checkPosition(position);
    const source = toSource(data);
    const { signal = never } = checkOptions(options, ABORTABLE);
    const { lock, owned, durability } = this.#toAppend();
    await lock.use((held) => settleBefore(owned, held, position), signal);
    const { io } = this.#opened.machine;
    const { sizeBytes, dirSynced } = await run(publishSnapshot(this.path, position, source), io, signal);
    return { position, sizeBytes, durability: durability === "durable" && !dirSynced ? "atomic" : durability };
  }

  /**
   * The latest snapshot, after all of it was read and found whole; undefined if there is none.
   *
   * @throws {HoldfastError} `CORRUPT_LOG` if it is damaged.
   */
  async latestSnapshot(): Promise<LogSnapshot | undefined> {
    const { machine, dir } = this.#opened;
    const found = await run(findSnapshot(dir), machine.io);
    return found && new LogSnapshot(machine, found);
  }

  /**
   * What the log consists of. Reads the newest segment, and of the others the beginning.
   *
   * @throws {HoldfastError} `CORRUPT_LOG`, `NOT_FOUND`.
   */
  stat(): Promise<LogStat> {
    return run(statLog(this.path), this.#opened.machine.io);
  }

  /**
   * Reads everything that counts: each record, and the latest snapshot. One piece of a mebibyte is in memory.
   *
   * @throws {HoldfastError} `CORRUPT_LOG` at the first damage, with `details` `offset` and `position`; `ABORTED`.
   */
  async verify(options?: VerifyLogOptions): Promise<Verified> {
    const { signal = never, onProgress } = checkOptions(options, VERIFY);
    const { machine, dir } = this.#opened;
    const cursor = await run(openCursor(dir, undefined), machine.io, signal);
    const { from } = cursor;
    cursor.from = Number.POSITIVE_INFINITY; // none has to be given
    try {
      while (await run(readMore(cursor), machine.io, signal)) onProgress?.(cursor.readBytes);
    } finally {
      await run(closeCursor(cursor), machine.io);
    }
    await this.latestSnapshot();
    return { recordCount: cursor.mark.next - from, readBytes: cursor.readBytes };
  }

  /** Waits for the appends that are under way, and gives back what is open. More appends are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    const { append, machine } = this.#opened;
    if (!append) return;
    await append.batches.idle();
    await run(leave(append.owned), machine.io);
    await append.lock.close();
  }

  /** As {@link Log.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #toAppend(): Appending {
    const { append } = this.#opened;
    if (!append) throw new HoldfastError("READ_ONLY", { what: "the log was opened to read", path: this.path });
    if (this.#closed) throw new HoldfastError("CLOSED", { path: this.path });
    return append;
  }

  async *#records(from: number | undefined, signal: AbortSignal, follow: boolean): AsyncGenerator<LogRecord, void, undefined> {
    const { machine, dir } = this.#opened;
    const cursor = await run(openCursor(dir, from), machine.io, signal);
    try {
      for (let delayMs = TAIL_DELAY_FIRST_MS; ; ) {
        const records = await run(readMore(cursor), machine.io, signal);
        if (records) {
          delayMs = TAIL_DELAY_FIRST_MS;
          yield* records;
        } else if (follow) {
          await run(sleep(delayMs), machine.io, signal);
          delayMs = Math.min(TAIL_DELAY_MAX_MS, delayMs * 2);
        } else return;
      }
    } finally {
      await run(closeCursor(cursor), machine.io);
    }
  }
}

/**
 * Opens the append-only log in a directory of its own, which is made if there is none; puts right what a crash has left.
 *
 * Guarantee: a record whose append has resolved is there after every crash, once, at its position. After a crash or an error,
 * records that were not acknowledged are there whole or not at all, behind all that were acknowledged. Several processes may
 * append at once. What was acknowledged and can't be read is damage, and never passed over in silence.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @throws {HoldfastError} `CORRUPT_LOG` if its end is damaged: open it with `readOnly` to read what is before;
 *   `LOCKED`, `ABORTED`, `PERMISSION`, `NO_SPACE`; `UNSUPPORTED` where no kernel lock can be had; with `readOnly`, `NOT_FOUND`.
 * @example
 * const log = await openLog("events");
 * const { position } = await log.append(new TextEncoder().encode("started"));
 * for await (const { bytes } of log.read({ from: position })) console.log(bytes.length);
 * await log.close();
 */
export async function openLog(dir: string | URL, options?: OpenLogOptions): Promise<Log> {
  const checked = checkOptions(options, OPEN);
  const { readOnly = false, signal = never } = checked;
  const machine = currentMachine();
  const given = absoluteDirectory(dir);
  if (readOnly) return new Log({ machine, dir: await run(find(given), machine.io, signal), append: undefined });
  const place = await run(make(given, machine, checked.durability ?? "durable"), machine.io, signal);
  const append = appending(machine, place, checked);
  const log = new Log({ machine, dir: place.dir, append });
  try {
    await append.lock.use((lock) => takeOver(append.owned, lock), signal); // puts right what a crash has left
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

function appending(machine: Machine, { dir, boot, durability }: Place, options: OpenLogOptions): Appending {
  const { segmentBytes = SEGMENT_BYTES, durability: asked = "durable" } = options;
  const owned: Owned = { dir, boot, tail: undefined, room: new Room() };
  const lock = new KeptLock(machine, pathIn(dir, LOG_LOCK_NAME), LOG_LOCK_TIMEOUT_MS);
  const sync = asked === "durable";
  const commit = (take: Take) => (held: HeldLock) => appendBatch(owned, held, { records: take(), segmentBytes, sync });
  const batches = new Batches({ async: (take) => lock.use(commit(take)), sync: (take) => lock.useSync(commit(take)) });
  return { owned, lock, durability, batches };
}

function* find(given: string): Program<string> {
  if ((yield* stat(given))?.kind !== "directory") throw new HoldfastError("NOT_FOUND", { what: "there is no log", path: given });
  return yield* realPath(given);
}

/** The directory of a log, and what can be had there. */
interface Place {
  readonly dir: string;
  readonly boot: string;
  readonly durability: Durability;
}

function* make(given: string, machine: Machine, asked: Durability): Program<Place> {
  yield* makeDirs(given, true);
  const dir = yield* realPath(given);
  const found = yield* stat(dir);
  if (found?.kind !== "directory") throw new HoldfastError("NOT_A_DIRECTORY", { path: given });
  const on = yield* prepare({ dir, dirId: found.id }, { durability: asked, strict: false }, memoryOf(machine));
  const boot = bootOf(on.local ? (yield* traits()).boot : undefined);
  return { dir, boot, durability: reached(asked, on, yield* syncDir(dir)) };
}
