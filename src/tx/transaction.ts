import type { Writable } from "node:stream";
import { readWhole } from "../core/read.ts";
import { HoldfastError } from "../errors.ts";
import { never } from "../io/abort.ts";
import { currentMachine } from "../io/current.ts";
import { type Data, mayStall, type Source, toSource } from "../io/data.ts";
import { cleanUp, type Program } from "../io/program.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { HELD_BUDGET_ASYNC_MS } from "../util/limits.ts";
import { checkOptions } from "../util/options.ts";
import { absoluteDirectory, namesIn } from "../util/path.ts";
import { locate, makeDirectory, placeDirectory, placeFile, remove, rename, type Slot, type Unclaimed } from "./changes.ts";
import { claimed } from "./claimed.ts";
import { type Content, stageContent } from "./content.ts";
import { TransactionDirectory } from "./directory.ts";
import {
  type MakeDirectoryOptions,
  OPTIONS,
  type RemoveOptions,
  type RenameOptions,
  type TransactionOptions,
  type WriteChangeOptions,
  type WriteDirectoryOptions,
} from "./options.ts";
import { type TransactionResult, toResult } from "./result.ts";
import { begin, type Committed, commitUnit, discard, forget, lockJournal, type Unit, unlockJournal } from "./unit.ts";
import { writableTo } from "./write-stream.ts";

/**
 * Changes many files and directories below `root`, all or nothing.
 *
 * Guarantee: `change` is called with a {@link Transaction}, whose operations change nothing yet. When it has returned, and all its
 * operations have succeeded, all their changes are made; if anything fails before, none is. After a crash at any moment it is all
 * or none too, at the latest once a transaction is begun in `root` again, or {@link recover} or `holdfast doctor` has looked
 * there. In between, each single file is whole, old or new. Of two transactions that are about one path, or one above or below
 * the other's, the second waits for the first from its first use of that path on, its reads too: so what it has read stays so.
 * Others run side by side. All of this holds for those who use transactions of the same `root`: a plain write that comes between is
 * kept, and told of in {@link TransactionResult.superseded}.
 *
 * Cost: a sync for each new and each replaced file and for each directory that is changed, many at once, and five more. Both
 * versions are on the disk meanwhile. A directory is moved, replaced or removed file by file. One open descriptor.
 *
 * Not preserved: as {@link writeFile}. Of directories that are moved, all but their permission bits.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @param root An existing directory on a local file system. All paths are relative to it, with `/` between names on every
 *   platform; missing directories are made. Symbolic links are followed, but not out of it.
 * @param change May be asynchronous. What it throws, the call throws, and nothing is changed.
 * @throws {TypeError} or {RangeError} A wrong argument; nothing was touched.
 * @throws {HoldfastError} outcome `unchanged`: what an operation has failed with, whether or not `change` has awaited it;
 *   `LOCKED` after `lockTimeoutMs`, also if two transactions wait for each other; `EXISTS`, `CHANGED`, `NOT_FOUND`, `NO_SPACE`,
 *   `BUSY`, `CORRUPT_JOURNAL`, `PERMISSION`, `UNSUPPORTED` (no kernel lock to be had, a file system that is not local, or another
 *   one than that of `root`), `ABORTED`. Outcome `unknown`: `SYNC_FAILED`, `IO`, `BUSY` and the like after the commit point; it is
 *   completed by the next use of `root`.
 *
 * Source: rename(2); `docs/format/journal.md`.
 * @example
 * await transaction("data", async (tx) => {
 *   const old = await tx.read("balance.txt", "utf8");
 *   tx.write("balance.txt", String(Number(old) + 5));
 *   tx.write("2026/journal.txt", "5 more");
 * });
 */
export async function transaction<T>(
  root: string | URL,
  change: (tx: Transaction) => Promise<T> | T,
  options?: TransactionOptions,
): Promise<TransactionResult<Awaited<T>>> {
  const given = checkOptions(options, OPTIONS.transaction);
  if (typeof change !== "function") throw new TypeError("change must be a function");
  const machine = currentMachine();
  const signal = given.signal ?? never;
  const unit = await run(begin(absoluteDirectory(root), given, machine), machine.io, signal);
  const tx = new Transaction(unit, signal);
  try {
    const value = await change(tx);
    const failed = await tx.settle(false);
    if (failed) throw failed.error;
    return toResult(value, await commit(unit, signal), unit);
  } catch (error) {
    await tx.settle(true);
    if (unit.staged.life.open)
      await run(
        cleanUp(() => discard(unit)),
        machine.io,
      );
    throw error;
  } finally {
    forget(unit);
  }
}

async function commit(unit: Unit, signal: AbortSignal): Promise<Committed> {
  const { io } = unit.machine;
  const lock = await run(lockJournal(unit), io, signal);
  try {
    return await slotsOf(unit.machine).programs.use(signal, () => run(commitUnit(unit), io, signal));
  } finally {
    await run(unlockJournal(lock), io);
  }
}

/** What a transaction is to do. Made by {@link transaction}. Operations take effect in the order in which they are called. */
export class Transaction {
  readonly #unit: Unit;
  readonly #signal: AbortSignal;
  readonly #directories: TransactionDirectory[] = [];
  readonly #running = new Set<Promise<unknown>>();
  /** The last operation: each looks at what the ones before it have done. */
  #last: Promise<unknown> = Promise.resolve();
  #failed: { readonly error: unknown } | undefined;
  #open = true;

  /** @internal */
  constructor(unit: Unit, signal: AbortSignal) {
    this.#unit = unit;
    this.#signal = signal;
  }

  /**
   * Has `data` at `path`. Need not be awaited: contents are written side by side.
   *
   * @param path Relative to the root. A symbolic link at its end is followed.
   * @param data As for `writeFile`.
   * @throws {HoldfastError} `NOT_A_FILE`, `NOT_A_DIRECTORY`, `EXISTS`, `CHANGED`, `LOCKED`, `SYMLINK`, `INVALID_NAME`, `NO_SPACE`,
   *   `SOURCE_FAILED` and the like; the transaction then fails too. `CLOSED` if it has ended.
   */
  write(path: string, data: Data, options?: WriteChangeOptions): Promise<void> {
    const given = checkOptions(options, OPTIONS.write);
    const names = namesIn(path, "path");
    const source = toSource(data);
    const write = async (): Promise<void> => {
      try {
        const slot = await this.#inOrder(
          () => placeFile(this.#unit, names, given),
          (placed) => {
            const writing = this.#stage(placed, source, given.mode);
            writing.catch(() => {}); // it is an error of this call
            this.#unit.pending.set(placed.at, writing);
          },
        );
        await this.#unit.pending.get(slot.at);
      } catch (error) {
        if (!(source instanceof Uint8Array)) source.leave();
        throw error;
      }
    };
    return this.#add(write());
  }

  async #stage({ at, path, existing }: Slot, source: Source, mode: number | undefined): Promise<void> {
    const { machine, view, digests, notKept, durability, pending } = this.#unit;
    const slots = slotsOf(machine);
    try {
      const program = stageContent(view.absolute(at), source, { mode, existing }, durability !== "volatile");
      const body = (): Promise<Content> => run(program, machine.io, this.#signal);
      const content = await (mayStall(source) ? slots.sources : slots.programs).use(this.#signal, body);
      digests.set(at, content.sha256);
      if (content.notKept.length > 0) notKept.set(path, content.notKept);
    } finally {
      pending.delete(at);
    }
  }

  /**
   * A Node `Writable` whose content is to be at `path`. It has to be ended before the function of the transaction returns:
   * `await pipeline(source, tx.writeStream(path))`.
   *
   * @throws As {@link Transaction.write}, by its `"error"`.
   */
  writeStream(path: string, options?: WriteChangeOptions): Writable {
    return writableTo((data) => this.write(path, data, options));
  }

  /**
   * Has a new directory at `path`, with what is then written to it, and nothing else. What is written and removed below `path` by
   * other operations comes on top.
   *
   * @throws {HoldfastError} As {@link Transaction.write}; `EXISTS` if there is one with content, and `replace` is not set.
   */
  writeDirectory(path: string, options?: WriteDirectoryOptions): Promise<TransactionDirectory> {
    const given = checkOptions(options, OPTIONS.writeDirectory);
    const names = namesIn(path, "path");
    const begin = async (): Promise<TransactionDirectory> => {
      const { at } = await this.#inOrder(() => placeDirectory(this.#unit, names, given));
      const directory = new TransactionDirectory(this.#unit.view.absolute(at), this.#unit.machine, this.#signal);
      this.#directories.push(directory);
      return directory;
    };
    return this.#add(begin());
  }

  /**
   * Has a directory at `path`, empty if there is none now. Those above files that are written need not be made.
   *
   * @throws {HoldfastError} `NOT_A_DIRECTORY`; as {@link Transaction.write}.
   */
  makeDirectory(path: string, options?: MakeDirectoryOptions): Promise<void> {
    const given = checkOptions(options, OPTIONS.makeDirectory);
    const names = namesIn(path, "path");
    return this.#add(this.#inOrder(() => makeDirectory(this.#unit, names, given)));
  }

  /**
   * Removes a file, a symbolic link (not what it leads to), or a directory.
   *
   * @throws {HoldfastError} `NOT_FOUND`; `EXISTS` for a directory with content, if `recursive` is not set; as
   *   {@link Transaction.write}.
   */
  remove(path: string, options?: RemoveOptions): Promise<void> {
    const given = checkOptions(options, OPTIONS.remove);
    const names = namesIn(path, "path");
    return this.#add(this.#inOrder(() => remove(this.#unit, names, given)));
  }

  /**
   * Moves a file or directory to another name, where it replaces a file, and no directory. Symbolic links are moved as they are.
   *
   * @throws {RangeError} One of the paths is inside the other.
   * @throws {HoldfastError} `NOT_FOUND`; `EXISTS` if `to` is a directory, or either is one and the other is there; as
   *   {@link Transaction.write}.
   */
  rename(from: string, to: string, options?: RenameOptions): Promise<void> {
    const given = checkOptions(options, OPTIONS.rename);
    const [source, target] = [namesIn(from, "from"), namesIn(to, "to")];
    return this.#add(this.#inOrder(() => rename(this.#unit, source, target, given)));
  }

  /**
   * The content of a file as the operations so far have made it; undefined if there is none.
   *
   * @throws {HoldfastError} `NOT_A_FILE`; as {@link Transaction.write}.
   */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The same as text, which must be UTF-8, or has U+FFFD where it is not. */
  read(path: string, encoding: "utf8"): Promise<string | undefined>;
  read(path: string, encoding?: "utf8"): Promise<Uint8Array | string | undefined> {
    checkOptions({ encoding }, OPTIONS.read);
    const names = namesIn(path, "path");
    const read = async (): Promise<Uint8Array | string | undefined> => {
      const at = await this.#inOrder(() => locate(this.#unit, names));
      if (at === undefined) return undefined;
      await this.#unit.pending.get(at);
      const { machine, view } = this.#unit;
      const bytes = await slotsOf(machine).programs.use(this.#signal, () =>
        run(readWhole(view.absolute(at), HELD_BUDGET_ASYNC_MS), machine.io, this.#signal),
      );
      return encoding === undefined ? bytes : new TextDecoder().decode(bytes);
    };
    return this.#add(read());
  }

  /** `then` belongs to the step: what comes after it finds it done. */
  #inOrder<R>(step: () => Program<R | Unclaimed>, then: (result: R) => void = () => {}): Promise<R> {
    const turn = this.#last.then(async () => {
      if (!this.#open) throw new HoldfastError("CLOSED", { what: "the transaction has ended", path: this.#unit.view.root });
      const result = await run(claimed(this.#unit, step, false), this.#unit.machine.io, this.#signal);
      then(result);
      return result;
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** An operation: its failure is one of the transaction, so that none that is not awaited is lost. */
  #add<R>(operation: Promise<R>): Promise<R> {
    this.#running.add(operation);
    operation.then(
      () => this.#running.delete(operation),
      (error: unknown) => {
        this.#running.delete(operation);
        this.#failed ??= { error };
      },
    );
    return operation;
  }

  /** @internal Waits for all operations; the first error, if there is one. */
  async settle(stop: boolean): Promise<{ readonly error: unknown } | undefined> {
    if (stop) this.#open = false;
    do {
      while (this.#running.size > 0) await Promise.allSettled(this.#running);
      for (const directory of this.#directories) {
        const error = await directory.settle(stop);
        if (error) this.#failed ??= { error };
      }
    } while (this.#running.size > 0);
    this.#open = false;
    return this.#failed;
  }
}
