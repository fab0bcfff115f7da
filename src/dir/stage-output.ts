import { asStagedTree, findOutput, type Output, publishOutputFile } from "../core/output.ts";
import { reached } from "../core/prepare.ts";
import { createOutputPlace, discardTree, endTree, type StagedTree, withTree } from "../core/staged-tree.ts";
import { refuseUnlessFile } from "../core/target.ts";
import { HoldfastError } from "../errors.ts";
import { never } from "../io/abort.ts";
import { currentMachine } from "../io/current.ts";
import { lstat, type Program, quietly } from "../io/program.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { HELD_BUDGET_ASYNC_MS } from "../util/limits.ts";
import { checkOptions } from "../util/options.ts";
import { absoluteDirectory, pathIn } from "../util/path.ts";
import { commitTree } from "./commit.ts";
import { inOrder } from "./in-order.ts";
import { findPlace, type Job, jobOf, type Place, refuseUnlessDirectory } from "./job.ts";
import { OPTIONS, type StageOutputOptions } from "./options.ts";
import type { DirectoryResult } from "./result.ts";

/** What a command has made, and how it was published: of a file as of a directory with one, which is always renamed. */
export interface OutputResult extends Omit<DirectoryResult, "notKept"> {
  readonly kind: "directory" | "file";
}

/**
 * Opens a private place for something that another program will make, be it a file or a directory, and that is to become `path`.
 * The place has the same name as the target, so that a program which looks at names finds the one it expects.
 *
 * Guarantee, cost and what is not preserved: for a directory as {@link stageDirectory}, for a file as {@link writeFile}, except
 * that the output keeps the mode that its program gave it.
 *
 * @param path Target; its parent must exist unless `parents` is set.
 * @throws As {@link stageDirectory}.
 * @example
 * const output = await holdfast.stageOutput("data.bin");
 * try {
 *   await run("convert", ["source.txt", output.path]);
 *   await output.commit();
 * } finally {
 *   await output.discard(); // nothing, once committed
 * }
 */
export async function stageOutput(path: string | URL, options?: StageOutputOptions): Promise<StagedOutput> {
  const given = checkOptions(options, OPTIONS.output);
  const at = absoluteDirectory(path);
  const job = jobOf(given, currentMachine());
  const begin = function* (): Program<{ place: Place; staged: StagedTree }> {
    const place = yield* findPlace(at, job);
    if (place.existing?.kind !== "directory") refuseUnlessFile({ existing: place.existing, path: place.target.path });
    return { place, staged: yield* createOutputPlace(place.target.dir) };
  };
  const { place, staged } = await run(begin(), job.machine.io, given.signal ?? never);
  return new StagedOutput(job, place, staged);
}

/** A place for an output. Made by {@link stageOutput}. */
export class StagedOutput {
  /** Where to write. Nothing is there yet. */
  readonly path: string;
  /** What {@link StagedOutput.commit} will replace, without symbolic links. */
  readonly target: string;
  readonly #job: Job;
  readonly #place: Place;
  readonly #staged: StagedTree;
  #ended: Promise<void> | undefined;

  /** @internal */
  constructor(job: Job, place: Place, staged: StagedTree) {
    this.#job = job;
    this.#place = place;
    this.#staged = staged;
    this.path = pathIn(staged.path, place.target.name);
    this.target = place.target.path;
  }

  /**
   * Puts what was made in the target's place, all or nothing. The program that made it must have ended.
   *
   * @throws {HoldfastError} `NOT_FOUND` if nothing was made; else as {@link stageDirectory} and {@link StagedDirectory.commit}.
   */
  async commit(): Promise<OutputResult> {
    if (this.#ended)
      throw new HoldfastError("CLOSED", { what: "the output was committed or discarded already", path: this.target });
    const commit = inOrder(this.#job.machine, this.#place.target.key, () => this.#commit());
    this.#ended = commit.then(
      () => {},
      () => {},
    );
    return await commit;
  }

  /** Removes what was made. Does nothing once it is committed, so it can stand in a `finally`. */
  discard(): Promise<void> {
    this.#ended ??= run(discardTree(this.#staged), this.#job.machine.io);
    return this.#ended;
  }

  /** As {@link StagedOutput.discard}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.discard();
  }

  async #commit(): Promise<OutputResult> {
    const signal = this.#job.options.signal ?? never;
    const drive = <T>(program: Program<T>): Promise<T> =>
      slotsOf(this.#job.machine).programs.use(signal, () => run(withTree(this.#staged, program), this.#job.machine.io, signal));
    const step = await drive(this.#publishOrMove());
    if (!("staged" in step)) return step;
    const { notKept: _, ...published } = await commitTree(step.staged, this.#place, this.#job, signal);
    return { kind: "directory", ...published };
  }

  /** A file is published at once; a directory becomes a staged directory. */
  *#publishOrMove(): Program<OutputResult | { readonly staged: StagedTree }> {
    const { target } = this.#place;
    const output = yield* findOutput(this.#staged, target.name);
    const existing = yield* lstat(target.path);
    if (output.kind === "directory") {
      refuseUnlessDirectory(existing, target.path);
      return { staged: yield* asStagedTree(this.#staged, output) };
    }
    refuseUnlessFile({ existing, path: target.path });
    return yield* this.#publishFile(output);
  }

  *#publishFile(output: Output): Program<OutputResult> {
    const { durability } = this.#job;
    const how = {
      sync: durability !== "volatile",
      barrier: durability === "durable",
      heldBudgetMs: HELD_BUDGET_ASYNC_MS,
    };
    const { sizeBytes, dirSynced } = yield* publishOutputFile(output, this.#place.target, how);
    yield* quietly(endTree(this.#staged, false));
    const level = reached(durability, this.#place.on, dirSynced);
    return { kind: "file", fileCount: 1, sizeBytes, durability: level, way: "rename", superseded: [], kept: [] };
  }
}
