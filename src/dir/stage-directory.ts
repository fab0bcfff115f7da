import { createTree, discardTree, type StagedTree } from "../core/staged-tree.ts";
import { writeStaged } from "../core/write-staged.ts";
import { HoldfastError } from "../errors.ts";
import { abortError, never } from "../io/abort.ts";
import { currentMachine } from "../io/current.ts";
import { type Data, mayStall, type Source, toSource } from "../io/data.ts";
import type { Program } from "../io/program.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { checkOptions } from "../util/options.ts";
import { absoluteDirectory, namesIn } from "../util/path.ts";
import { Writers } from "../util/writers.ts";
import { commitTree } from "./commit.ts";
import { inOrder } from "./in-order.ts";
import { findPlace, type Job, jobOf, type Place, refuseUnlessDirectory } from "./job.ts";
import { OPTIONS, type StageDirectoryOptions, type WriteStagedOptions } from "./options.ts";
import type { DirectoryResult } from "./result.ts";

/**
 * Opens a staged directory for `path`: write into it, in parallel and with any tool, then `commit` or `discard`.
 *
 * Guarantee: `path` keeps what it has until `commit`, which puts the whole new directory in its place. After a crash at any
 * moment it has the old or the new content, at the latest once Holdfast is used in its parent again: in between, how far a
 * reader can see more than these two depends on {@link DirectoryResult.way}. A staged directory that is neither committed nor
 * discarded, by a killed process say, is removed by the next writer beside it. Files that a reader has open stay the old ones.
 *
 * Cost: `commit` syncs each file and each directory, many at once, and removes the old content. One open descriptor until then.
 * For that time, the disk holds both versions.
 *
 * Not preserved: anything of the old content, what others write into it meanwhile included. Mode and owner of the directory
 * itself are kept.
 *
 * @param path Target; its parent must exist unless `parents` is set. Absent, an empty directory, or with `replace: true` any
 *   directory.
 * @throws {TypeError} or {RangeError} A wrong argument; nothing was touched.
 * @throws {HoldfastError} outcome `unchanged`: `EXISTS` if the directory has content and `replace` is not set;
 *   `NOT_A_DIRECTORY`, `NOT_FOUND`, `SYMLINK`, `INVALID_NAME`, `PERMISSION`, `READ_ONLY`, `NO_SPACE`, `UNSUPPORTED`, `ABORTED`.
 *
 * Source: rename(2) and renameat2(2) on directories; fsync(2) on the names in them.
 * @example
 * const site = await holdfast.stageDirectory("public", { replace: true });
 * try {
 *   await Promise.all(pages.map((page) => site.writeFile(page.name, page.html)));
 *   await site.commit();
 * } finally {
 *   await site.discard(); // nothing, once committed
 * }
 */
export async function stageDirectory(path: string | URL, options?: StageDirectoryOptions): Promise<StagedDirectory> {
  const given = checkOptions(options, OPTIONS.directory);
  const at = absoluteDirectory(path);
  const job = jobOf(given, currentMachine());
  const signal = given.signal ?? never;
  const begin = function* (): Program<Opened> {
    const place = yield* findPlace(at, job);
    refuseUnlessDirectory(place.existing, place.target.path);
    const staged = yield* createTree(place.target.dir, { mode: given.mode, existing: place.existing });
    return { place, staged };
  };
  return new StagedDirectory(job, signal, await run(begin(), job.machine.io, signal));
}

interface Opened {
  readonly place: Place;
  readonly staged: StagedTree;
}

/** A new directory, not visible yet. Made by {@link stageDirectory}. */
export class StagedDirectory {
  /** Where to write: an empty directory beside the target, on the same file system. It is renamed at commit. */
  readonly path: string;
  /** The directory that {@link StagedDirectory.commit} will replace, without symbolic links. */
  readonly target: string;
  readonly #job: Job;
  readonly #signal: AbortSignal;
  readonly #opened: Opened;
  readonly #writers = new Writers();
  #state: "closed" | "ending" | "open" = "open";
  #ended: Promise<void> | undefined;

  /** @internal */
  constructor(job: Job, signal: AbortSignal, opened: Opened) {
    this.#job = job;
    this.#signal = signal;
    this.#opened = opened;
    this.path = opened.staged.path;
    this.target = opened.place.target.path;
  }

  /** Aborts when a writer has failed or the directory is given up, for writers that want to stop early. */
  get signal(): AbortSignal {
    return this.#writers.signal;
  }

  /**
   * Writes a new file, and the directories above it that are missing. Calls can run in parallel, and need not be awaited: `commit`
   * and `discard` wait for them. Not durable by itself; `commit` makes it so.
   *
   * @param name Relative to {@link StagedDirectory.path}; with `/` between names, on every platform.
   * @param data As for {@link writeFile}.
   * @throws {TypeError} `name` leads outside, or `data` is not content.
   * @throws {HoldfastError} `EXISTS` if it was written before; `INVALID_NAME`, `NO_SPACE`, `SOURCE_FAILED` and the like, after
   *   which the directory can't be committed. `CLOSED` if it is not open any more.
   */
  writeFile(name: string, data: Data, options?: WriteStagedOptions): Promise<void> {
    const { mode } = checkOptions(options, OPTIONS.writeStaged);
    const source = toSource(data);
    const names = namesIn(name);
    return this.track(this.#write(names, source, mode));
  }

  async #write(names: readonly string[], source: Source, mode: number | undefined): Promise<void> {
    const { io } = this.#job.machine;
    const slots = slotsOf(this.#job.machine);
    try {
      this.#refuseUnlessOpen();
      const program = (): Promise<void> => run(writeStaged(this.path, names, source, mode), io, this.#signal);
      await (mayStall(source) ? slots.sources : slots.programs).use(this.#signal, program);
    } catch (error) {
      if (!(source instanceof Uint8Array)) source.leave();
      throw error;
    }
  }

  /**
   * Has `commit` and `discard` wait for a writer of your own: a stream into a file of {@link StagedDirectory.path}, a program
   * that was started there. If it fails, the directory can't be committed.
   *
   * @returns The same promise.
   */
  track<T>(writer: Promise<T>): Promise<T> {
    return this.#writers.add(writer);
  }

  /**
   * Waits for all writers, then puts the directory in the target's place, all or nothing. Of several commits to one target in
   * one process, the last call wins.
   *
   * @throws {HoldfastError} `WRITER_FAILED` with the first error as its cause, and the others counted and listed in `details`;
   *   the staged directory is removed by then. Else as {@link stageDirectory}, and `SUPERSEDED`, `BUSY`, `SYNC_FAILED`, `IO`,
   *   `LOCKED`: outcome `unchanged`, or `unknown` if it can't be told; what is half done then is finished by the next use.
   */
  async commit(): Promise<DirectoryResult> {
    if (this.#state !== "open") throw this.#notOpen();
    this.#state = "ending";
    const { target } = this.#opened.place;
    const commit = inOrder(this.#job.machine, target.key, async () => {
      const failed = await this.#writers.settle(this.target);
      this.#state = "closed";
      if (failed || this.#signal.aborted) {
        await this.#remove();
        throw this.#signal.aborted ? abortError(this.#signal) : failed;
      }
      return await commitTree(this.#opened.staged, this.#opened.place, this.#job, this.#signal);
    });
    this.#ended = commit.then(
      () => {},
      () => {},
    );
    return await commit;
  }

  /** Waits for all writers, and removes what is staged. Does nothing once it is committed, so it can stand in a `finally`. */
  discard(): Promise<void> {
    this.#ended ??= this.#discard();
    return this.#ended;
  }

  /** As {@link StagedDirectory.discard}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.discard();
  }

  async #discard(): Promise<void> {
    this.#state = "closed";
    this.#writers.stop();
    await this.#writers.settle(this.target);
    await this.#remove();
  }

  async #remove(): Promise<void> {
    await run(discardTree(this.#opened.staged), this.#job.machine.io);
  }

  /** A writer that runs may write more while the others are waited for. */
  #refuseUnlessOpen(): void {
    if (this.#state !== "open" && !(this.#state === "ending" && this.#writers.busy)) throw this.#notOpen();
  }

  #notOpen(): HoldfastError {
    return new HoldfastError("CLOSED", { what: "the staged directory was committed or discarded already", path: this.target });
  }
}
