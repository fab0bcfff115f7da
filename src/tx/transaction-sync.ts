import { readWhole } from "../core/read.ts";
import { writeStaged } from "../core/write-staged.ts";
import { HoldfastError } from "../errors.ts";
import { currentMachine } from "../io/current.ts";
import { type DataChunk, mayStall, type Source, toSource } from "../io/data.ts";
import { cleanUp, type Program } from "../io/program.ts";
import { runSync } from "../io/run.ts";
import { HELD_BUDGET_SYNC_MS } from "../util/limits.ts";
import { checkOptions } from "../util/options.ts";
import { absoluteDirectory, namesIn } from "../util/path.ts";
import { locate, makeDirectory, placeDirectory, placeFile, remove, rename, type Unclaimed } from "./changes.ts";
import { claimed } from "./claimed.ts";
import { stageContent } from "./content.ts";
import {
  type MakeDirectoryOptions,
  OPTIONS,
  type RemoveOptions,
  type RenameOptions,
  type TransactionSyncOptions,
  type WriteChangeOptions,
  type WriteDirectoryOptions,
} from "./options.ts";
import { type TransactionResult, toResult } from "./result.ts";
import { begin, type Committed, commitUnit, discard, forget, lockJournal, type Unit, unlockJournal } from "./unit.ts";

type SyncData = DataChunk | Iterable<DataChunk>;

/**
 * The synchronous twin of {@link transaction}: same guarantee, same programs. For start-up and exit, where nothing can be awaited;
 * elsewhere it blocks the event loop, for as long as another process is about one of its paths too. If an asynchronous transaction
 * of this process is, which can't go on meanwhile, it throws `LOCKED` at once.
 *
 * @param change Must not be asynchronous: what it does after its first `await` would come too late.
 * @throws {TypeError} `change` has returned a promise; nothing was changed. Else as {@link transaction}.
 */
export function transactionSync<T>(
  root: string | URL,
  change: (tx: TransactionSync) => T,
  options?: TransactionSyncOptions,
): TransactionResult<T> {
  const given = checkOptions(options, OPTIONS.transactionSync);
  if (typeof change !== "function") throw new TypeError("change must be a function");
  const machine = currentMachine();
  const unit = runSync(begin(absoluteDirectory(root), given, machine), machine.sync);
  const tx = new TransactionSync(unit);
  try {
    const value = change(tx);
    if (value instanceof Promise) throw new TypeError("change must not return a promise: use transaction");
    const failed = tx.end();
    if (failed) throw failed.error;
    return toResult(value, commit(unit), unit);
  } catch (error) {
    tx.end();
    if (unit.staged.life.open)
      runSync(
        cleanUp(() => discard(unit)),
        machine.sync,
      );
    throw error;
  } finally {
    forget(unit);
  }
}

function commit(unit: Unit): Committed {
  const { sync } = unit.machine;
  const lock = runSync(lockJournal(unit), sync);
  try {
    return runSync(commitUnit(unit), sync);
  } finally {
    runSync(unlockJournal(lock), sync);
  }
}

/** What a transaction is to do. Made by {@link transactionSync}. All as in {@link Transaction}. */
export class TransactionSync {
  readonly #unit: Unit;
  #failed: { readonly error: unknown } | undefined;
  #open = true;

  /** @internal */
  constructor(unit: Unit) {
    this.#unit = unit;
  }

  /** See {@link Transaction.write}. */
  write(path: string, data: SyncData, options?: WriteChangeOptions): void {
    const given = checkOptions(options, OPTIONS.write);
    const names = namesIn(path, "path");
    const source = syncSource(data);
    const { view, digests, notKept, durability } = this.#unit;
    const { at, path: real, existing } = this.#do(() => placeFile(this.#unit, names, given));
    const attributes = { mode: given.mode, existing };
    const content = this.#run(stageContent(view.absolute(at), source, attributes, durability !== "volatile"));
    digests.set(at, content.sha256);
    if (content.notKept.length > 0) notKept.set(real, content.notKept);
  }

  /** See {@link Transaction.writeDirectory}. */
  writeDirectory(path: string, options?: WriteDirectoryOptions): TransactionDirectorySync {
    const given = checkOptions(options, OPTIONS.writeDirectory);
    const names = namesIn(path, "path");
    const { at } = this.#do(() => placeDirectory(this.#unit, names, given));
    const directory = this.#unit.view.absolute(at);
    return {
      path: directory,
      writeFile: (name, data) => this.#run(writeStaged(directory, namesIn(name), syncSource(data))),
    };
  }

  /** See {@link Transaction.makeDirectory}. */
  makeDirectory(path: string, options?: MakeDirectoryOptions): void {
    const given = checkOptions(options, OPTIONS.makeDirectory);
    const names = namesIn(path, "path");
    this.#do(() => makeDirectory(this.#unit, names, given));
  }

  /** See {@link Transaction.remove}. */
  remove(path: string, options?: RemoveOptions): void {
    const given = checkOptions(options, OPTIONS.remove);
    const names = namesIn(path, "path");
    this.#do(() => remove(this.#unit, names, given));
  }

  /** See {@link Transaction.rename}. */
  rename(from: string, to: string, options?: RenameOptions): void {
    const given = checkOptions(options, OPTIONS.rename);
    const [source, target] = [namesIn(from, "from"), namesIn(to, "to")];
    this.#do(() => rename(this.#unit, source, target, given));
  }

  /** See {@link Transaction.read}. */
  read(path: string): Uint8Array | undefined;
  /** The same as text. */
  read(path: string, encoding: "utf8"): string | undefined;
  read(path: string, encoding?: "utf8"): Uint8Array | string | undefined {
    checkOptions({ encoding }, OPTIONS.read);
    const names = namesIn(path, "path");
    const at = this.#do(() => locate(this.#unit, names));
    if (at === undefined) return undefined;
    const bytes = this.#run(readWhole(this.#unit.view.absolute(at), HELD_BUDGET_SYNC_MS));
    return encoding === undefined ? bytes : new TextDecoder().decode(bytes);
  }

  #do<R>(step: () => Program<R | Unclaimed>): R {
    if (!this.#open) throw new HoldfastError("CLOSED", { what: "the transaction has ended", path: this.#unit.view.root });
    return this.#run(claimed(this.#unit, step, true));
  }

  #run<R>(program: Program<R>): R {
    try {
      return runSync(program, this.#unit.machine.sync);
    } catch (error) {
      this.#failed ??= { error };
      throw error;
    }
  }

  /** @internal No more operations; the first error, if there is one. */
  end(): { readonly error: unknown } | undefined {
    this.#open = false;
    return this.#failed;
  }
}

/** A new directory of a transaction. Made by {@link TransactionSync.writeDirectory}. */
export interface TransactionDirectorySync {
  /** Where to write, with any tool. */
  readonly path: string;
  /** See {@link TransactionDirectory.writeFile}. */
  writeFile(name: string, data: SyncData): void;
}

function syncSource(data: SyncData): Source {
  const source = toSource(data);
  if (mayStall(source))
    throw new TypeError("data must not be an async iterable here; use transaction instead of transactionSync");
  return source;
}
