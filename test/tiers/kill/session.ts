/** One scenario's worker processes, as the tier drives them: runs under a tracer, one after another. */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../../support/child.ts";
import { attach, type SystemCall, systemCalls } from "../../support/strace.ts";
import type { Fate, Scenario } from "./scenario.ts";
import { listing } from "./verdict.ts";
import type { Ended, Order, Request, Tidied } from "./worker.ts";

const WORKER = fileURLToPath(new URL("worker.js", import.meta.url));
/** All that names a file or has a descriptor: a call that is not among these can't touch the disk. */
const CALLS = "%file,%desc";
/** The order to run goes through a pipe, and names the directory. */
const NO_FILE = /^\d+<(socket|pipe):/;
/** So long no operation takes, with a disk under load: what does is stuck. */
const STUCK_MS = 60_000;

/** Which thread of the worker makes a call: that of JavaScript, or the only one of the pool. */
export type Thread = "main" | "pool";

/** One call of a scenario. */
export interface Point {
  readonly thread: Thread;
  readonly name: string;
  readonly nth: number;
  /** Its arguments, for people. */
  readonly text: string;
}

/** What one run left. */
export interface Run {
  readonly dir: string;
  readonly fate: Fate;
  /** Descriptors below `dir` that it did not close. */
  readonly open: readonly string[];
  /** Whether the tracer came to the call that it was to tamper with. */
  readonly hit: boolean;
}

/** What an undisturbed run does. */
export interface Recorded {
  /** The files that were there before. */
  readonly before: readonly string[];
  readonly run: Run;
  readonly points: readonly Point[];
  readonly requests: readonly Request[];
}

interface Performed {
  readonly fate: Fate;
  readonly requests: readonly Request[];
}

/** A worker, with its two threads that make calls. */
interface Worker {
  readonly child: Child<void>;
  readonly main: number;
  readonly pool: number;
}

/** The workers of one scenario: one in use, one that starts meanwhile if the first is to be killed. */
export class Session {
  readonly #scenario: Scenario;
  readonly #dir: string;
  readonly #living = new Set<Child<void>>();
  #current: Promise<Worker> | undefined;
  #next: Promise<Worker> | undefined;
  #count = 0;

  constructor(scenario: Scenario, dir: string) {
    this.#scenario = scenario;
    this.#dir = dir;
    fs.mkdirSync(dir);
  }

  /** A run that nobody disturbs, and what it asks of the kernel. */
  async record(): Promise<Recorded> {
    const worker = await this.#worker();
    const dir = this.#prepare();
    const before = listing(dir);
    const { fate, requests, calls } = await this.#traced(worker.child, dir, true);
    const points = calls.map(({ thread, name, nth, text }): Point => {
      return { thread: threadOf(worker, thread), name, nth, text: text.replaceAll(dir, ".") };
    });
    return { before, run: { dir, fate, open: await this.#tidy(worker.child, dir), hit: true }, points, requests };
  }

  /** A run in which `point` is met with `inject`, in the words of strace. */
  async disturbed(point: Point, inject: string): Promise<Run> {
    const { child, main, pool } = await this.#worker();
    const dir = this.#prepare();
    const trace = `${dir}.trace`;
    const rule = `${point.name}:${inject}`;
    const tracer = await attach(point.thread === "main" ? main : pool, "thread", trace, point.name, rule);
    const { fate } = await this.#perform(child, dir, false);
    await tracer.end();
    const hit = fate.end === "killed" || fs.readFileSync(trace, "utf8").includes("(INJECTED)");
    fs.rmSync(trace);
    const lives = fate.end === "done" || fate.end === "failed";
    return { dir, fate, open: lives ? await this.#tidy(child, dir) : [], hit };
  }

  /** Starts the worker for the time after the next kill. */
  startNext(): void {
    this.#next ??= this.#start();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#living].map((child) => child.kill()));
    await Promise.allSettled([this.#current, this.#next]);
    fs.rmSync(this.#dir, { recursive: true, force: true });
  }

  #worker(): Promise<Worker> {
    this.#current ??= this.#next ?? this.#start();
    if (this.#current === this.#next) this.#next = undefined;
    return this.#current;
  }

  #start(): Promise<Worker> {
    const child = startChild(
      async (ears, { worker, module, name }) => {
        const { serve } = (await ears.load(worker)) as typeof import("./worker.ts");
        await serve(ears, module, name);
      },
      { worker: WORKER, module: this.#scenario.module, name: this.#scenario.name },
      { env: { UV_THREADPOOL_SIZE: "1" } },
    );
    this.#living.add(child);
    const worker = this.#rehearse(child);
    worker.catch(() => {}); // whoever waits for it hears of it
    return worker;
  }

  /** A first run, so that what is loaded or made only once is no call of the scenario; and to see which threads make calls. */
  async #rehearse(child: Child<void>): Promise<Worker> {
    if ((await child.next()) === undefined) await child.result;
    const main = child.process.pid ?? 0;
    const dir = this.#prepare();
    const { calls } = await this.#traced(child, dir, false);
    fs.rmSync(dir, { recursive: true });
    return { child, main, pool: calls.find(({ thread }) => thread !== main)?.thread ?? main };
  }

  /** A run that is only watched. */
  async #traced(child: Child<void>, dir: string, record: boolean): Promise<Performed & { readonly calls: SystemCall[] }> {
    const trace = `${dir}.trace`;
    const tracer = await attach(child.process.pid ?? 0, "process", trace, CALLS);
    const performed = await this.#perform(child, dir, record);
    await tracer.end();
    const calls = systemCalls(trace, dir).filter(({ text }) => !NO_FILE.test(text));
    fs.rmSync(trace);
    return { ...performed, calls };
  }

  #prepare(): string {
    const dir = path.join(this.#dir, String(this.#count++));
    fs.mkdirSync(dir);
    this.#scenario.setup(dir);
    return dir;
  }

  async #perform(child: Child<void>, dir: string, record: boolean): Promise<Performed> {
    let acknowledged = 0;
    let stuck = false;
    const timer = setTimeout(() => {
      stuck = true;
      void child.kill();
    }, STUCK_MS);
    order(child, { run: dir, record });
    for (let answer = await child.next(); answer !== undefined; answer = await child.next()) {
      const { ended } = answer as Partial<Ended>;
      if (!ended) acknowledged++;
      else {
        clearTimeout(timer);
        const { error, told, requests } = ended;
        return { fate: { acknowledged, end: error ? "failed" : "done", error, told }, requests };
      }
    }
    clearTimeout(timer);
    this.#living.delete(child);
    this.#current = undefined;
    const death = await child.result.then(
      () => "it ended",
      (error: Error) => error.message,
    );
    return { fate: { acknowledged, end: stuck ? "stuck" : "killed", death }, requests: [] };
  }

  async #tidy(child: Child<void>, dir: string): Promise<readonly string[]> {
    order(child, { tidy: dir });
    const { open } = (await child.next()) as Tidied;
    return open.map((file) => path.relative(dir, file));
  }
}

function order(child: Child<void>, what: Order): void {
  child.tell(what);
}

function threadOf({ main, pool }: Worker, thread: number): Thread {
  if (thread === main) return "main";
  if (thread === pool) return "pool";
  throw new TypeError("the pool of a worker has one thread, but others made calls");
}
