/** The commit of a staged directory, in one step or in several. */
import { reached, sweepFirst } from "../core/prepare.ts";
import { type PublishedTree, type PublishTree, publishAtOnce, publishBySteps } from "../core/publish-tree.ts";
import { closeStage, type NotKept } from "../core/stage.ts";
import { discardTree, endTree, type StagedTree, setTreeAttributes, withTree } from "../core/staged-tree.ts";
import { syncTree, type Tally } from "../core/tree.ts";
import { unfinished } from "../core/unfinished.ts";
import { isHoldfastError } from "../errors.ts";
import { JOURNAL_LOCK_NAME } from "../format/names.ts";
import { withMachine } from "../io/current.ts";
import { cleanUp, lstat, type Program } from "../io/program.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { withLock } from "../lock/index.ts";
import { JOURNAL_LOCK_TIMEOUT_MS } from "../util/limits.ts";
import { notify } from "../util/notices.ts";
import { pathIn } from "../util/path.ts";
import { type Job, type Place, refuseUnlessDirectory } from "./job.ts";
import type { DirectoryResult } from "./result.ts";

/** What is known of a directory that is ready to be published. */
interface Ready {
  readonly tally: Tally;
  readonly notKept: readonly NotKept[];
}

/** Publishes a staged directory; if that fails before it was tried, removes it. */
export async function commitTree(staged: StagedTree, place: Place, job: Job, signal: AbortSignal): Promise<DirectoryResult> {
  const commit = new TreeCommit(staged, place, job, signal);
  try {
    return await commit.perform();
  } catch (error) {
    if (staged.life.open) await run(discardTree(staged), job.machine.io); // no program of it has run, or the lock was not to be had
    throw error;
  }
}

class TreeCommit {
  readonly #staged: StagedTree;
  readonly #place: Place;
  readonly #job: Job;
  readonly #signal: AbortSignal;
  readonly #how: PublishTree;

  constructor(staged: StagedTree, place: Place, job: Job, signal: AbortSignal) {
    this.#staged = staged;
    this.#place = place;
    this.#job = job;
    this.#signal = signal;
    this.#how = { replace: job.options.replace ?? false, barrier: job.durability === "durable" };
  }

  async perform(): Promise<DirectoryResult> {
    const { ready, published } = await this.#drive(this.#atOnce());
    const { way, dirSynced, superseded, kept } = published ?? (await this.#underLock());
    const { fileCount, sizeBytes } = ready.tally;
    const durability = reached(this.#job.durability, this.#place.on, dirSynced);
    return { fileCount, sizeBytes, durability, way, superseded, kept, notKept: ready.notKept };
  }

  /** Attributes come first, as the sync of the tree makes them durable. */
  *#atOnce(): Program<{ ready: Ready; published: PublishedTree | undefined }> {
    const { target } = this.#place;
    const existing = yield* lstat(target.path);
    refuseUnlessDirectory(existing, target.path);
    const notKept = yield* setTreeAttributes(this.#staged, { mode: this.#job.options.mode, existing });
    const tally = yield* syncTree(this.#staged.path, this.#job.durability !== "volatile");
    // Somebody is at it, or has left it half done: that comes first.
    const waits = (yield* unfinished(target)) !== undefined;
    const published = waits ? "file-by-file" : yield* publishAtOnce(this.#staged, target, this.#how);
    if (typeof published === "string") return { ready: { tally, notKept }, published: undefined };
    yield* this.#end(published);
    return { ready: { tally, notKept }, published };
  }

  /** Under the lock of all who carry out journals here, and after what dead ones have left half done. */
  async #underLock(): Promise<PublishedTree> {
    const { machine } = this.#job;
    const lock = pathIn(this.#place.target.dir, JOURNAL_LOCK_NAME);
    const options = { timeoutMs: JOURNAL_LOCK_TIMEOUT_MS, signal: this.#signal };
    return await withMachine(machine, () => withLock(lock, () => this.#drive(this.#bySteps()), options));
  }

  *#bySteps(): Program<PublishedTree> {
    const { target, on } = this.#place;
    if (on.local) yield* sweepFirst(target.dir, { unitsOnly: true, journalLocked: true });
    const left = yield* unfinished(target);
    if (left) throw left;
    const published = yield* publishBySteps(this.#staged, target, this.#how);
    yield* this.#end(published);
    return published;
  }

  /** It is committed: what can't be removed now is removed by a later sweep. */
  *#end({ way }: PublishedTree): Program<void> {
    try {
      yield* endTree(this.#staged, way === "exchange" && this.#job.durability === "atomic");
    } catch (error) {
      if (isHoldfastError(error, "ASSERTION")) throw error;
      yield* cleanUp(() => closeStage(this.#staged.life));
      notify({ type: "sweep-failed", path: this.#staged.path, cause: error });
    }
  }

  #drive<T>(program: Program<T>): Promise<T> {
    const { machine } = this.#job;
    const body = (): Promise<T> => run(withTree(this.#staged, program), machine.io, this.#signal);
    return slotsOf(machine).programs.use(this.#signal, body);
  }
}
