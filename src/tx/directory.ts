import { writeStaged } from "../core/write-staged.ts";
import { HoldfastError } from "../errors.ts";
import { type Data, mayStall, type Source, toSource } from "../io/data.ts";
import type { Machine } from "../io/io.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { checkOptions, integer } from "../util/options.ts";
import { namesIn } from "../util/path.ts";
import { Writers } from "../util/writers.ts";

/** Options of {@link TransactionDirectory.writeFile}. */
export interface WriteInDirectoryOptions {
  /** Permission bits, 0 to 0o7777, less umask. Default 0o666. */
  readonly mode?: number | undefined;
}

const WRITE = { mode: integer(0o7777, "0o7777") };

/** A new directory of a transaction, not visible yet. Made by {@link Transaction.writeDirectory}. */
export class TransactionDirectory {
  /** Where to write, with any tool: an empty directory below the root. */
  readonly path: string;
  readonly #machine: Machine;
  readonly #signal: AbortSignal;
  readonly #writers = new Writers();
  #open = true;

  /** @internal */
  constructor(path: string, machine: Machine, signal: AbortSignal) {
    this.path = path;
    this.#machine = machine;
    this.#signal = signal;
  }

  /** Aborts when a writer of the directory has failed, for others that want to stop early. */
  get signal(): AbortSignal {
    return this.#writers.signal;
  }

  /**
   * Writes a new file, and the directories above it that are missing. Calls can run in parallel, and need not be awaited: the
   * commit waits for them.
   *
   * @param name Relative to the directory, with `/` between names.
   * @throws {TypeError} `name` leads outside, or `data` is not content.
   * @throws {HoldfastError} `EXISTS` if it was written before; `INVALID_NAME`, `NO_SPACE`, `SOURCE_FAILED` and the like, after
   *   which the transaction can't be committed. `CLOSED` if it has ended.
   */
  writeFile(name: string, data: Data, options?: WriteInDirectoryOptions): Promise<void> {
    const { mode } = checkOptions(options, WRITE);
    const source = toSource(data);
    const names = namesIn(name);
    return this.track(this.#write(names, source, mode));
  }

  async #write(names: readonly string[], source: Source, mode: number | undefined): Promise<void> {
    const slots = slotsOf(this.#machine);
    try {
      if (!this.#open && !this.#writers.busy) throw new HoldfastError("CLOSED", { path: this.path });
      const program = (): Promise<void> => run(writeStaged(this.path, names, source, mode), this.#machine.io, this.#signal);
      await (mayStall(source) ? slots.sources : slots.programs).use(this.#signal, program);
    } catch (error) {
      if (!(source instanceof Uint8Array)) source.leave();
      throw error;
    }
  }

  /**
   * Has the end of the transaction wait for a writer of your own, which writes into {@link TransactionDirectory.path}. If it
   * fails, nothing is committed.
   *
   * @returns The same promise.
   */
  track<T>(writer: Promise<T>): Promise<T> {
    return this.#writers.add(writer);
  }

  /** @internal Waits for all writers; the error if one has failed. `stop`: what they write is in vain. */
  async settle(stop: boolean): Promise<HoldfastError | undefined> {
    if (stop) this.#writers.stop();
    this.#open = false;
    return await this.#writers.settle(this.path);
  }
}
