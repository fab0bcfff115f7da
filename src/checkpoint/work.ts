/** The loop of a resumable job: takes items, hands them out, notes which are done, saves. Only the loop itself changes what is noted. */
import { isHoldfastError } from "../errors.ts";
import { abortError, onAbort } from "../io/abort.ts";
import { FAILED_ITEMS_MAX } from "../util/limits.ts";
import { notify } from "../util/notices.ts";
import type { Key } from "./done-keys.ts";
import type { ItemContext } from "./resumable.ts";
import type { Job, ResumeCounts, ResumeEvent, ResumeResult } from "./resume-options.ts";
import { Tally } from "./resume-state.ts";

type AnyIterator<Item> = AsyncIterator<Item> | Iterator<Item>;
type Without<Event> = Event extends unknown ? Omit<Event, keyof ResumeCounts> : never;

/** Something that has happened outside of the loop. */
type News<Item> =
  | { readonly item: Item }
  | { readonly ended: true }
  | { readonly done: Key }
  | { readonly broken: unknown; readonly item: Item; readonly key: Key }
  | { readonly stop: unknown };

/** One run of a job. */
export class Work<Item> {
  readonly #job: Job<Item>;
  readonly #iterator: AnyIterator<Item>;
  readonly #handler: (item: Item, context: ItemContext) => unknown;
  readonly #tally: Tally;
  readonly #inFlight = new Set<Key>();
  readonly #news: News<Item>[] = [];
  #wake: () => void = () => {};
  #asking = false;
  #ended = false;
  /** Set once the job is to stop, with the error that it then throws. */
  #stop: { readonly error: unknown } | undefined;
  #processed = 0;
  #skipped = 0;
  /** Done, or failed, and not saved; of these, what a save that failed was about. */
  #unsaved = 0;
  #unsavedTried = 0;
  #saved = true;
  #savedMs = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(
    source: AsyncIterable<Item> | Iterable<Item>,
    job: Job<Item>,
    handler: (item: Item, context: ItemContext) => unknown,
  ) {
    this.#job = job;
    this.#handler = handler;
    this.#tally = new Tally(job.order);
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** Takes up what an earlier run has saved. */
  async begin(): Promise<void> {
    const { checkpoint, fresh } = this.#job;
    this.#savedMs = checkpoint.nowMs();
    if (fresh) {
      checkpoint.startAnew();
      this.#tell({ type: "started", from: "anew", damaged: [] });
      return;
    }
    const { loaded, header, members } = await checkpoint.loadWithMembers();
    if (loaded.status !== "absent") this.#tally.restore(loaded.state, header, members, checkpoint.path);
    const damaged = loaded.status === "degraded" ? loaded.damaged : [];
    this.#tell({ type: "started", from: loaded.status === "absent" ? "anew" : "resumed", damaged });
  }

  /** Works until the source has ended, or something stops it. */
  async toEnd(): Promise<ResumeResult> {
    const off = onAbort(this.#job.signal, () => this.#hear({ stop: abortError(this.#job.signal) }));
    if (this.#job.signal.aborted) this.#hear({ stop: abortError(this.#job.signal) });
    try {
      while (!this.#isOver) await this.#step();
      return await this.#conclude();
    } finally {
      off();
      this.#cancelTimer?.();
    }
  }

  get #isOver(): boolean {
    return this.#inFlight.size === 0 && this.#news.length === 0 && (this.#ended || this.#stop !== undefined);
  }

  async #step(): Promise<void> {
    for (let news = this.#news.shift(); news; news = this.#news.shift()) {
      await this.#note(news);
      if (this.#isDue && !this.#stop) await this.#save(false);
    }
    if (this.#isDue && !this.#stop) await this.#save(false); // some time has passed
    if (this.#hasRoom) this.#ask();
    if (this.#news.length > 0 || this.#isOver) return;
    this.#watchTime();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** While a save is due none is begun: after a crash no more are done again than `every.items`, and those under way. */
  get #hasRoom(): boolean {
    const free = this.#inFlight.size < this.#job.concurrency && !this.#isDue && !this.#tally.isFarAhead;
    return free && !this.#asking && !this.#ended && !this.#stop;
  }

  get #isDue(): boolean {
    const more = this.#unsaved - this.#unsavedTried;
    if (more === 0) return false;
    const { everyItems, everyMs, checkpoint } = this.#job;
    return more >= everyItems || checkpoint.nowMs() - this.#savedMs >= everyMs;
  }

  #hear(news: News<Item>): void {
    this.#news.push(news);
    this.#wake();
  }

  /** Asks for the next item. An answer that comes when the job has stopped is not taken. */
  #ask(): void {
    this.#asking = true;
    const answered = ({ done, value }: IteratorResult<Item>): void => this.#hear(done ? { ended: true } : { item: value });
    const failed = (error: unknown): void => {
      this.#ended = true;
      this.#hear({ stop: error });
    };
    try {
      const next = this.#iterator.next();
      if (next instanceof Promise) next.then(answered, failed);
      else if (typeof next === "object" && "then" in next)
        Promise.resolve(next as PromiseLike<IteratorResult<Item>>).then(answered, failed);
      else answered(next as IteratorResult<Item>);
    } catch (error) {
      failed(error);
    }
  }

  async #note(news: News<Item>): Promise<void> {
    if ("item" in news && !("broken" in news)) {
      this.#asking = false;
      if (!this.#stop) this.#take(news.item);
    } else if ("ended" in news) {
      this.#asking = false;
      this.#ended = true;
    } else if ("done" in news) {
      this.#inFlight.delete(news.done);
      this.#tally.done(news.done);
      this.#processed++;
      this.#unsaved++;
      this.#tell({ type: "done", key: news.done });
    } else if ("stop" in news) {
      this.#stop ??= { error: news.stop };
    } else await this.#noteFailure(news);
  }

  async #noteFailure({ broken: error, item, key }: { broken: unknown; item: Item; key: Key }): Promise<void> {
    this.#inFlight.delete(key);
    const { onError = "stop" } = this.#job;
    const choice = this.#stop ? "stop" : typeof onError === "function" ? await onError(error, item, key) : onError;
    if (choice !== "skip" || this.#tally.failed.size >= FAILED_ITEMS_MAX) {
      this.#stop ??= { error };
      return;
    }
    this.#tally.fail(key);
    this.#unsaved++;
    this.#tell({ type: "failed", key, error });
  }

  #take(item: Item): void {
    let key: Key;
    try {
      key = this.#job.key(item);
      if (typeof key !== "string" && !Number.isFinite(key))
        throw new TypeError(`the key of an item must be a string or a finite number; one is ${String(key)}`);
      if (this.#inFlight.has(key)) return;
      if (this.#tally.meet(key)) {
        this.#skipped++;
        this.#tell({ type: "skipped", key });
        return;
      }
    } catch (error) {
      this.#stop ??= { error };
      return;
    }
    this.#inFlight.add(key);
    void this.#handle(item, key);
  }

  async #handle(item: Item, key: Key): Promise<void> {
    try {
      await this.#handler(item, { key, signal: this.#job.signal });
    } catch (error) {
      this.#hear({ broken: error, item, key });
      return;
    }
    this.#hear({ done: key });
  }

  /** Saves what is noted now. */
  async #save(finished: boolean): Promise<void> {
    const { checkpoint, total, onSaveError = "stop" } = this.#job;
    const [saving, startMs] = [this.#unsaved, checkpoint.nowMs()];
    try {
      const members = await this.#tally.members((content) => checkpoint.saveMember(content));
      const progress = { done: this.#tally.doneCount, ...(total === undefined ? {} : { total }) };
      const { generation } = await checkpoint.saveWithMembers(this.#tally.state(finished), { progress, members });
      this.#unsaved -= saving;
      this.#unsavedTried = 0;
      this.#saved = true;
      this.#tell({ type: "saved", generation });
    } catch (error) {
      this.#unsavedTried = saving;
      this.#saved = false;
      this.#tell({ type: "save-failed", error });
      if (onSaveError === "stop") this.#stop ??= { error };
      else notify({ type: "save-failed", path: checkpoint.path, cause: error });
    }
    this.#savedMs = startMs;
  }

  /** A source or a handler that takes its time does not keep what is done from being saved. */
  #watchTime(): void {
    const { everyMs, checkpoint } = this.#job;
    if (this.#cancelTimer || everyMs === Number.POSITIVE_INFINITY || this.#unsaved === this.#unsavedTried) return;
    const leftMs = Math.max(1, this.#savedMs + everyMs - checkpoint.nowMs());
    this.#cancelTimer = checkpoint.after(leftMs, () => {
      this.#cancelTimer = undefined;
      this.#wake();
    });
  }

  async #conclude(): Promise<ResumeResult> {
    const finished = this.#stop === undefined;
    if (!finished) this.#leaveSource();
    if (finished || this.#unsaved > 0) await this.#save(finished);
    if (this.#stop) throw this.#ending(this.#stop.error);
    return {
      ...this.#counts(),
      processed: this.#processed,
      failedKeys: [...this.#tally.failed],
      saved: this.#saved,
    };
  }

  /** What has stopped the job; an abort says what is on the disk. */
  #ending(error: unknown): unknown {
    if (!isHoldfastError(error, "ABORTED")) return error;
    return error.settled(this.#saved ? "committed" : "unchanged", { ...this.#counts(), processed: this.#processed });
  }

  /** Not waited for: it may be in the middle of a wait that never ends. */
  #leaveSource(): void {
    if (this.#ended) return;
    void (async () => this.#iterator.return?.())().catch((cause: unknown) => {
      notify({ type: "source-failed", path: this.#job.checkpoint.path, cause });
    });
  }

  #counts(): ResumeCounts {
    const { doneCount: done, failed } = this.#tally;
    return { done, skipped: this.#skipped, failed: failed.size, total: this.#job.total };
  }

  #tell(event: Without<ResumeEvent>): void {
    try {
      this.#job.onProgress?.({ ...this.#counts(), ...event } as ResumeEvent);
    } catch (error) {
      this.#stop ??= { error };
    }
  }
}
