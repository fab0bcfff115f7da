import { HoldfastError, isHoldfastError } from "../errors.ts";
import { validate } from "../file/index.ts";
import { CHECKPOINT_LOCK_NAME, type Header, type Member, type Progress, partName } from "../format/checkpoint.ts";
import type { LockOwner } from "../format/lock-note.ts";
import { currentMachine } from "../io/current.ts";
import { atExit } from "../io/exit.ts";
import { sleep } from "../io/program.ts";
import { run } from "../io/run.ts";
import { acquireLock, type Lock, lockKind } from "../lock/index.ts";
import { CHECKPOINT_LOCK_TIMEOUT_MS } from "../util/limits.ts";
import { notify } from "../util/notices.ts";
import { checkOptions } from "../util/options.ts";
import { absoluteDirectory, pathIn } from "../util/path.ts";
import type { Encoded } from "./codec.ts";
import { listCheckpoint, makePlace } from "./files.ts";
import { type HistoryEntry, historyOf } from "./history.ts";
import { type Loaded, loadNewest } from "./load.ts";
import { HISTORY, type HistoryOptions, OPEN, type OpenCheckpointOptions, SAVE, type SaveOptions } from "./options.ts";
import { type Place, perform, placeOf } from "./place.ts";
import { publishGeneration, publishGenerationSync, type SaveResult, writeNew } from "./publish.ts";
import { type DamagedGeneration, readGeneration, sha256Of } from "./read.ts";
import { noteDamage, type Shelf, shelfOf, tidy } from "./shelf.ts";
import { Soon } from "./soon.ts";

/** What belongs to one run: its lock, and what it knows of the disk. */
interface Run {
  readonly lock: Lock;
  readonly shelf: Shelf;
}

/** What is saved beside a state. */
interface Beside {
  readonly progress?: Progress | undefined;
  readonly members?: readonly Member[] | undefined;
}

/** What a job carries from state to state. */
interface Carried {
  readonly startedAt?: string | undefined;
  readonly original?: number | undefined;
}

/**
 * The progress of a long job, in numbered generations of which none replaces another. Made by {@link Checkpoint.open}.
 */
export class Checkpoint<State = unknown> {
  /** Its directory. */
  readonly path: string;
  readonly #place: Place<State>;
  readonly #run: Run | undefined;
  readonly #soon: Soon<{ readonly state: State; readonly options: SaveOptions }, SaveResult>;
  #carried: Carried = {};
  #closed = false;
  #noExit: (() => void) | undefined;
  /** Calls that write are one after another, in the order they were made. */
  #last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(place: Place<State>, owned: Run | undefined) {
    this.path = place.dir;
    this.#place = place;
    this.#run = owned;
    this.#soon = new Soon(
      ({ state, options }) => this.#saveAndTell(state, options),
      () => this.#watchExit(),
    );
  }

  /**
   * Opens the checkpoint in a directory of its own, which is made if there is none, for the one run that may save to it.
   *
   * Guarantee: of any number of processes one has it; the lock ends with the process, however that ends, and the next one has it
   * at once. With `readOnly` nothing is locked, made or changed, and any number may read while the run saves.
   *
   * @param path A directory for this purpose alone.
   * @param options See {@link OpenCheckpointOptions}.
   * @throws {HoldfastError} `LOCKED`, with `details` `pid`, `host` and `since` of the run that has it; `NOT_A_DIRECTORY` if there
   *   is a file; `PERMISSION`, `READ_ONLY`, `NO_SPACE`; `UNSUPPORTED` where no kernel lock can be had.
   * @example
   * const checkpoint = await Checkpoint.open("rebuild.checkpoint", { fingerprint: { model: "small-2" } });
   * const found = await checkpoint.load();
   * let next = found.status === "absent" ? 0 : found.state.next;
   */
  static async open<State = unknown>(path: string | URL, options?: OpenCheckpointOptions<State>): Promise<Checkpoint<State>> {
    const given = checkOptions(options, OPEN);
    const machine = currentMachine();
    const place = placeOf(machine, absoluteDirectory(path), given);
    if (given.readOnly) return new Checkpoint(place, undefined);
    await perform(place, makePlace(place.dir));
    const timeoutMs = given.lockTimeoutMs ?? CHECKPOINT_LOCK_TIMEOUT_MS;
    const lock = await acquireLock(pathIn(place.dir, CHECKPOINT_LOCK_NAME), { timeoutMs });
    try {
      return new Checkpoint(place, { lock, shelf: shelfOf(await perform(place, listCheckpoint(place.dir))) });
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * The newest state that can be used.
   *
   * Guarantee: what a save acknowledged, or something newer, is found; if that was damaged later, an older state comes back as
   * `degraded`, with what is damaged, why, and how much is lost. Absence is only what is proven: that nothing is there, or that
   * it was cleared. Nothing is changed; what is damaged is moved aside by the next save.
   *
   * Cost: reads the newest generation whole. Its bytes, and what is made of them, are in memory.
   *
   * @throws {HoldfastError} `CORRUPT_CHECKPOINT` if there are generations and none can be used, with each cause in
   *   `details.damaged`; `FORMAT_TOO_NEW`; `FINGERPRINT_MISMATCH` with `details.differences`; `PERMISSION`, `TOO_MANY_FILES`.
   */
  async load(): Promise<Loaded<State>> {
    return (await this.loadWithMembers()).loaded;
  }

  /** @internal As {@link Checkpoint.load}, with the members of what was loaded. */
  async loadWithMembers(): Promise<{ loaded: Loaded<State>; header: Header | undefined; members: readonly Uint8Array[] }> {
    const { loaded, header, members, damaged } = await loadNewest(this.#place).catch((error: unknown) => {
      if (isHoldfastError(error, "CORRUPT_CHECKPOINT"))
        this.#noteDamage(error.details["damaged"] as readonly DamagedGeneration[]);
      throw error;
    });
    this.#noteDamage(damaged);
    if (header) this.#run?.shelf.good.set(header.generation, header);
    const migrated = loaded.status !== "absent" && typeof loaded.migratedFrom === "number";
    const startedAt = loaded.status === "absent" ? undefined : loaded.startedAt;
    this.#carried = { startedAt, original: header?.original ?? (migrated ? header?.generation : undefined) };
    return { loaded, header, members };
  }

  /**
   * Saves a state as the next generation, and resolves when it is durable. It is turned into bytes before the call returns its
   * promise; of a codec that encodes in pieces, each when it is written.
   *
   * Guarantee: until it is durable, the generations before are what {@link Checkpoint.load} finds, untouched; after an error too.
   * Then only the `keep` newest good ones stay.
   *
   * Cost: as `writeFile`; the name of the oldest generation is removed without a sync.
   *
   * @throws {TypeError} There is no text for the state, or `progress` is none.
   * @throws {HoldfastError} As `writeFile`; `SCHEMA_MISMATCH`, outcome `unchanged`; `CLOSED`; `READ_ONLY`; `EXISTS` if another run
   *   saves too, which it can only where locks don't work.
   */
  async save(state: State, options?: SaveOptions): Promise<SaveResult> {
    const saved = this.#save(state, checkOptions(options, SAVE));
    this.#soon.overtake(saved);
    return await saved;
  }

  /**
   * Saves a state soon: at most one save is under way, and of the states that wait only the newest is saved. It is turned into
   * bytes when its turn comes, so the object may be changed until then, but not be left half changed over an `await`.
   *
   * What waits is saved synchronously if the process ends by itself, by `process.exit` or by an error. A process that is killed,
   * or ended by a signal that it does not handle, loses it: at most what came since the last save.
   *
   * @returns When this state or a newer one is durable. It need not be waited for: what fails is thrown by the next
   *   {@link Checkpoint.flush} or {@link Checkpoint.close}, and told on the channel `holdfast:notice`.
   */
  saveSoon(state: State, options?: SaveOptions): Promise<SaveResult> {
    const given = checkOptions(options, SAVE);
    this.#runOrRefuse();
    return this.#soon.put({ state, options: given });
  }

  /**
   * Waits until all states of {@link Checkpoint.saveSoon} are saved. One that could not be saved is tried once more.
   *
   * @throws As {@link Checkpoint.save}.
   */
  async flush(): Promise<void> {
    await this.#soon.flush();
    await this.#last;
  }

  /**
   * All generations, the newest first: those of the job, and those that were moved aside.
   *
   * @param options With `verify` each is read whole, and `damage` says what is wrong with it.
   */
  async history(options?: HistoryOptions): Promise<readonly HistoryEntry[]> {
    const { verify = false } = checkOptions(options, HISTORY);
    return await historyOf(this.#place, verify);
  }

  /**
   * Forgets the state: publishes a generation that says so, then removes the older ones. What is damaged is kept aside.
   *
   * @throws As {@link Checkpoint.save}; with outcome `unchanged` the state is still there.
   */
  async clear(): Promise<SaveResult> {
    const cleared = this.#inOrder(async (owned) => {
      const header = this.#header(owned, { kind: "cleared", codec: "json", version: 1, original: undefined });
      const result = await publishGeneration(this.#place, owned.shelf, header, () => "null");
      this.#carried = {};
      return result;
    });
    this.#soon.overtake(cleared);
    await cleared.then(() => this.#last);
    return await cleared;
  }

  /**
   * Goes back to an older generation: publishes a copy of it as the newest, then removes those in between.
   *
   * @param to Its number. Default: the newest good one before the newest there is.
   * @throws As {@link Checkpoint.save}; `NOT_FOUND` if there is no such generation; `CORRUPT_CHECKPOINT` if it is damaged.
   */
  async rollback(to?: number): Promise<SaveResult> {
    const copied = this.#inOrder(async (owned) => {
      const { header, state } = await this.#good(owned, to);
      const { generation: _old, savedAt: _then, ...same } = header;
      const copy = { ...this.#header(owned, same), ...same, copyOf: header.generation };
      const result = await publishGeneration(this.#place, owned.shelf, copy, () => state);
      this.#carried = { startedAt: header.startedAt, original: header.original };
      return result;
    });
    this.#soon.overtake(copied);
    await copied.then(() => this.#last);
    return await copied;
  }

  /** Who runs, if somebody does: the process that has the checkpoint open to save to it. */
  async owner(): Promise<LockOwner | undefined> {
    const finding = await perform(this.#place, lockKind.examine({ dir: this.path, names: [CHECKPOINT_LOCK_NAME] }));
    return finding?.state === "live" ? finding.owner : undefined;
  }

  /**
   * Saves what waits, and gives the lock back, also if that fails. Further calls that write are refused.
   *
   * @throws As {@link Checkpoint.flush}.
   */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#closed = true;
      this.#noExit?.();
      await this.#last;
      await this.#run?.lock.release();
    }
  }

  /** As {@link Checkpoint.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal Writes a file for generations that are saved later: it stays while one of them names it. */
  saveMember(content: Uint8Array): Promise<Member> {
    return this.#inOrder(async ({ shelf }) => {
      let index = 0;
      while (shelf.members.has(partName(shelf.last + 1, index))) index++;
      const name = partName(shelf.last + 1, index);
      await writeNew(this.#place, pathIn(this.path, name), () => content);
      shelf.members.add(name);
      return { name, sizeBytes: content.length, sha256: sha256Of(content) };
    }, false);
  }

  /** @internal As {@link Checkpoint.save}. */
  saveWithMembers(state: State, beside: Beside): Promise<SaveResult> {
    return this.#save(state, beside);
  }

  /** @internal The job begins anew: what was loaded is no part of it. */
  startAnew(): void {
    this.#carried = {};
  }

  /** @internal */
  get hasSchema(): boolean {
    return this.#place.options.schema !== undefined;
  }

  /** @internal */
  nowMs(): number {
    return this.#place.machine.sync.now();
  }

  /** @internal Calls `body` after so many milliseconds, unless the function that is returned was called before. */
  after(milliseconds: number, body: () => void): () => void {
    const cancel = new AbortController();
    run(sleep(milliseconds), this.#place.machine.io, cancel.signal).then(body, (error: unknown) => {
      if (!cancel.signal.aborted) throw error;
    });
    return () => cancel.abort();
  }

  async #save(state: State, beside: Beside): Promise<SaveResult> {
    const { codec, options, fingerprint, version } = this.#place;
    this.#runOrRefuse();
    const encoded = codec.encode(state);
    const again = repeatable(encoded, () => codec.encode(state));
    const valid = options.schema && validate(options.schema, state, this.path);
    valid?.catch(() => {}); // it may have to wait for its turn
    return await this.#inOrder(async (owned) => {
      await valid;
      const header = this.#header(owned, { kind: "state", codec: codec.name, version, fingerprint, ...beside });
      const result = await publishGeneration(this.#place, owned.shelf, header, again);
      this.#carried = { ...this.#carried, startedAt: header.startedAt };
      return result;
    });
  }

  async #saveAndTell(state: State, options: SaveOptions): Promise<SaveResult> {
    try {
      return await this.#save(state, options);
    } catch (cause) {
      notify({ type: "save-failed", path: this.path, cause });
      throw cause;
    }
  }

  /** What can't be used is moved aside by the next save. */
  #noteDamage(damaged: readonly DamagedGeneration[]): void {
    for (const one of damaged) if (this.#run) noteDamage(this.#run.shelf, one);
  }

  #header({ shelf }: Run, fields: Pick<Header, "codec" | "kind" | "version"> & Partial<Header>): Header {
    const savedAt = new Date(this.nowMs()).toISOString();
    const { startedAt = savedAt, original } = this.#carried;
    return { generation: ++shelf.last, savedAt, startedAt, original, ...fields };
  }

  async #good({ shelf }: Run, to: number | undefined): Promise<{ header: Header; state: Uint8Array }> {
    const numbers = [...shelf.there].sort((a, b) => b - a);
    for (const generation of to === undefined ? numbers.slice(1) : [to]) {
      const found = await perform(this.#place, readGeneration(this.path, generation));
      const usable = found && "header" in found && found.header.kind === "state";
      if (usable) return found;
      if (found && "cause" in found && found.cause === "unreadable") throw found.error;
      if (to !== undefined && found && "cause" in found)
        throw new HoldfastError("CORRUPT_CHECKPOINT", {
          what: `generation ${to} is damaged: ${found.message}`,
          path: found.path,
          details: { damaged: [found] },
        });
    }
    const what = to === undefined ? "there is no older state to go back to" : `there is no state of generation ${to}`;
    throw new HoldfastError("NOT_FOUND", { what, path: this.path });
  }

  #runOrRefuse(): Run {
    if (!this.#run) throw new HoldfastError("READ_ONLY", { what: "the checkpoint was opened to read", path: this.path });
    if (this.#closed) throw new HoldfastError("CLOSED", { path: this.path });
    return this.#run;
  }

  /** What is too old is removed after each change, and before the next; nobody waits for that but who wants it to be done. */
  async #inOrder<T>(job: (owned: Run) => Promise<T>, tidies = true): Promise<T> {
    const owned = this.#runOrRefuse();
    const turn = this.#last.then(() => job(owned));
    this.#last = turn.then(
      () => (tidies ? this.#tidy(owned) : undefined),
      () => {},
    );
    return await turn;
  }

  async #tidy({ shelf }: Run): Promise<void> {
    try {
      await tidy(this.#place, shelf);
    } catch (cause) {
      notify({ type: "sweep-failed", path: this.path, cause }); // the next save tries again
    }
  }

  #watchExit(): void {
    this.#noExit?.();
    this.#noExit = this.#soon.unsaved && atExit(this.#place.machine, this.path, () => this.#saveAtExit());
  }

  #saveAtExit(): void {
    const { unsaved } = this.#soon;
    if (!unsaved || !this.#run || this.#closed) return;
    const { codec, version, fingerprint } = this.#place;
    const { state, options } = unsaved.value;
    const header = this.#header(this.#run, { kind: "state", codec: codec.name, version, fingerprint, ...options });
    publishGenerationSync(this.#place, header, codec.encode(state));
  }
}

/** What was encoded, and for a second time, if it came in pieces that are gone, what is encoded then. */
function repeatable(encoded: Encoded, encode: () => Encoded): () => Encoded {
  let asked = false;
  return () => {
    const gone = asked && typeof encoded === "object" && !(encoded instanceof Uint8Array);
    asked = true;
    return gone ? encode() : encoded;
  };
}
