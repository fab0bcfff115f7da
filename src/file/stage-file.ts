import { finishStage } from "../core/replace.ts";
import { createStage, discardStage, type Staged, stagingMode, withStage } from "../core/stage.ts";
import type { Target } from "../core/target.ts";
import { writeSource } from "../core/write.ts";
import { HoldfastError } from "../errors.ts";
import { currentMachine } from "../io/current.ts";
import { type Data, toSource } from "../io/data.ts";
import type { FileSystem, Machine } from "../io/io.ts";
import { onFailure, type Program } from "../io/program.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { HELD_BUDGET_ASYNC_MS } from "../util/limits.ts";
import { checkOptions } from "../util/options.ts";
import { absolutePath } from "../util/path.ts";
import { OPTIONS, type StageFileOptions, signalOf } from "./options.ts";
import { writeJob } from "./write-file.ts";
import { examine, finishFor, locate, toResult, type WriteJob, type WriteResult } from "./write-job.ts";
import { type Overtake, writeOrderOf } from "./write-order.ts";

/**
 * Opens a staged file for `path`: write to it piece by piece, then `commit` or `discard`.
 *
 * Guarantee: `path` keeps its content until `commit`, which replaces it as {@link writeFile} does. A staged file that is
 * neither committed nor discarded, by a killed process say, is removed by the next writer in the directory.
 *
 * Cost: one open descriptor until it is committed or discarded; not counted in the library's own limit of open files.
 *
 * @param path Target; resolved now, replaced at commit.
 * @throws As {@link writeFile}, before anything is staged.
 * @example
 * const staged = await holdfast.stageFile("model.bin");
 * try {
 *   for await (const chunk of source) await staged.write(chunk);
 *   await staged.commit();
 * } finally {
 *   await staged.discard(); // nothing, once committed
 * }
 */
export async function stageFile(path: string | URL, options?: StageFileOptions): Promise<StagedFile> {
  const given = checkOptions(options, OPTIONS.stage);
  const machine = currentMachine();
  const signal = signalOf(given);
  const job = writeJob(absolutePath(path), given, machine, HELD_BUDGET_ASYNC_MS);
  const begin = function* (): Program<Opened> {
    const target = yield* locate(job);
    const { existing, on } = yield* examine(target, false, job);
    const staged = yield* createStage(target.dir, stagingMode({ mode: given.mode, existing }));
    return { target, staged, on };
  };
  return new StagedFile(machine, signal, job, await run(begin(), machine.io, signal));
}

interface Opened {
  readonly target: Target;
  readonly staged: Staged;
  readonly on: FileSystem;
}

/** New content for a file, not visible yet. Made by {@link stageFile}. */
export class StagedFile {
  /** The file that {@link StagedFile.commit} will replace, without symbolic links. */
  readonly path: string;
  readonly #machine: Machine;
  readonly #signal: AbortSignal;
  readonly #job: WriteJob;
  readonly #opened: Opened;
  #sizeBytes = 0;
  #state: "committed" | "discarded" | "open" = "open";
  /** Calls run one after another, in the order they were made. */
  #last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(machine: Machine, signal: AbortSignal, job: WriteJob, opened: Opened) {
    this.#machine = machine;
    this.#signal = signal;
    this.#job = job;
    this.#opened = opened;
    this.path = opened.target.path;
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Adds to the end of the staged content. Calls need not be awaited one by one: they take effect in order.
   *
   * @throws {TypeError} `data` is not content; the staged file goes on.
   * @throws {HoldfastError} As {@link writeFile}, and the staged file is discarded. `CLOSED` if it no longer is open.
   */
  async write(data: Data): Promise<void> {
    const source = toSource(data);
    await this.#inOrder(async () => {
      this.#refuseUnlessOpen();
      const { staged } = this.#opened;
      const append = onFailure(writeSource(staged.file, source, this.#sizeBytes), () => discardStage(staged));
      try {
        this.#sizeBytes += await run(append, this.#machine.io, this.#signal);
      } catch (error) {
        this.#state = "discarded";
        throw error;
      }
    });
  }

  /**
   * Makes the staged content the file's, all or nothing. For the order of writes to one file, this is the call that counts.
   *
   * @throws {HoldfastError} As {@link writeFile}; `CLOSED` if it was committed or discarded before.
   */
  commit(): Promise<WriteResult> {
    const before = this.#last;
    const commit = this.#commit(before);
    this.#last = commit.catch(() => {});
    return commit;
  }

  /** Takes its place in the order of writes before it waits for anything. */
  async #commit(before: Promise<unknown>): Promise<WriteResult> {
    let finished = false;
    const landing = writeOrderOf<WriteResult>(this.#machine).write({
      spelling: this.path,
      resolve: async () => {
        await before;
        this.#refuseUnlessOpen();
        return this.#opened.target;
      },
      perform: async (_target, _stale, overtake) => {
        finished = true;
        const { programs } = slotsOf(this.#machine);
        return await programs.use(this.#signal, () => run(this.#finish(overtake), this.#machine.io, this.#signal));
      },
      coalesce: false,
      supersedes: !this.#job.options.ifAbsent,
      signal: this.#signal,
    });
    try {
      const { result, superseded } = await landing;
      if (superseded && !finished) await this.#drop();
      this.#state = "committed";
      return { ...result, superseded };
    } catch (error) {
      if (this.#state === "open" && !finished) await this.#drop();
      if (this.#state === "open") this.#state = "discarded";
      throw error;
    }
  }

  *#finish(overtake: Overtake): Program<WriteResult> {
    const { staged, target, on } = this.#opened;
    const job = this.#job;
    const sizeBytes = this.#sizeBytes;
    const body = function* (): Program<WriteResult> {
      const { existing } = yield* examine(target, true, job);
      return toResult(yield* finishStage(staged, target, sizeBytes, finishFor(job, existing, overtake)), job, on);
    };
    return yield* withStage(staged, body());
  }

  /** Removes the staged content. Does nothing once it is committed or discarded, so it can stand in a `finally`. */
  async discard(): Promise<void> {
    await this.#inOrder(async () => {
      if (this.#state === "open") await this.#drop();
    });
  }

  /** As {@link StagedFile.discard}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.discard();
  }

  async #drop(): Promise<void> {
    this.#state = "discarded";
    await run(discardStage(this.#opened.staged), this.#machine.io);
  }

  #refuseUnlessOpen(): void {
    if (this.#state !== "open")
      throw new HoldfastError("CLOSED", { what: `the staged file was ${this.#state} already`, path: this.path });
  }

  #inOrder<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(body);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
