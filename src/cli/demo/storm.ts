/** One contender in the kill storm. */
import * as fs from "node:fs";
import * as path from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../seeded-random.ts";
import { versionOf } from "./stamp.ts";
import { startWriter, type Writer, type WriterJob } from "./writer-job.ts";

/** A writer lives at most this long after it has begun to save. */
const LIFE_MS_MAX = 200;
const KILLS_MIN = 2;
/** More than a writer can save in its life. */
const VERSIONS_PER_WRITER = 1_000_000;
const ROUNDS_ENDLESS = VERSIONS_PER_WRITER;
/** Writers that may fail on their own, one after the other, before the storm gives up. */
const FAILURES_MAX = 3;

/** What happens where. */
export interface StormPlan {
  readonly contender: string;
  readonly names: readonly string[];
  readonly namesFile: string;
  readonly from: string;
  readonly to: string;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** What was counted. */
export interface StormResult {
  readonly files: number;
  /** Acknowledged saves, and their bytes. */
  readonly saves: number;
  readonly bytes: number;
  readonly kills: number;
  readonly reads: number;
  /** How often a file was found torn, and how often older than what had been acknowledged: once per file and kill at most. */
  readonly torn: number;
  readonly lost: number;
  /** Files that nobody asked for, after a last writer has saved one file in every directory. */
  readonly temps: number;
  readonly seconds: number;
  /** What a writer failed with, if one did. */
  readonly error: string | undefined;
}

/** See {@link StormResult} for what it counts. */
export class Storm {
  readonly #plan: StormPlan;
  readonly #random: () => number;
  /** The newest acknowledged version of each file. */
  readonly #acknowledged: number[];
  /** Files counted already since the last kill. */
  readonly #torn = new Set<number>();
  readonly #lost = new Set<number>();
  #counts = { saves: 0, bytes: 0, kills: 0, reads: 0, torn: 0, lost: 0 };
  #writers = 0;
  #failures = 0;
  #error: string | undefined;

  constructor(plan: StormPlan) {
    this.#plan = plan;
    this.#random = seededRandom(plan.seed);
    this.#acknowledged = plan.names.map(() => 0);
  }

  /** Kills writers for about so many seconds. */
  async run(seconds: number, report: (share: number, kills: number) => void): Promise<StormResult> {
    const startMs = performance.now();
    const elapsed = (): number => (performance.now() - startMs) / 1000;
    while (this.#failures < FAILURES_MAX && (elapsed() < seconds || this.#counts.kills < KILLS_MIN)) {
      await this.#oneLife(() => report(Math.min(1, elapsed() / seconds), this.#counts.kills));
    }
    await this.#lastWriter();
    const temps = this.#leftovers();
    const files = this.#plan.names.length;
    return { files, ...this.#counts, temps, seconds: elapsed(), error: this.#error };
  }

  /** A writer is started, read after, killed at a random moment; then every file is looked at. */
  async #oneLife(report: () => void): Promise<void> {
    // Each begins somewhere else: a life is too short for all files of a big checkout.
    const { length } = this.#plan.names;
    const first = Math.floor(this.#random() * length);
    const writer = this.#start({ rounds: ROUNDS_ENDLESS, order: this.#plan.names.map((_, index) => (first + index) % length) });
    let alive = true;
    const gone = writer.gone.finally(() => {
      alive = false;
    });
    const lifeMs = this.#random() * LIFE_MS_MAX;
    writer.onLine((line) => {
      if (line === "ready") void delay(lifeMs).then(writer.kill);
    });
    try {
      while (alive) {
        report();
        await this.#lookWhileWritten(Math.floor(this.#random() * this.#plan.names.length));
      }
    } finally {
      writer.kill();
      await gone;
    }
    const { code, stderr } = await gone;
    this.#plan.signal.throwIfAborted();
    if (code === null) {
      this.#counts.kills++;
      this.#failures = 0;
    } else this.#failed(stderr);
    this.#lookAtAll();
    this.#torn.clear();
    this.#lost.clear();
  }

  /** One file in every directory is saved in peace: what is left then, nobody will clean up. */
  async #lastWriter(): Promise<void> {
    const firsts = new Map(this.#plan.names.map((name, index) => [path.dirname(name), index]));
    const { code, stderr } = await this.#start({ rounds: 1, order: [...firsts.values()] }).gone;
    this.#plan.signal.throwIfAborted();
    if (code !== 0) this.#failed(stderr);
    this.#lookAtAll();
  }

  #start(part: { readonly rounds: number; readonly order: readonly number[] }): Writer {
    const { contender, from, to, namesFile, signal } = this.#plan;
    const firstVersion = ++this.#writers * VERSIONS_PER_WRITER;
    const job: WriterJob = { kind: "rounds", contender, from, to, namesFile, firstVersion, ...part };
    const writer = startWriter(job, signal);
    writer.onLine((line) => {
      const [index, version, bytes] = line.split(" ").map(Number);
      if (index === undefined || version === undefined || bytes === undefined) return;
      this.#acknowledged[index] = version;
      this.#counts.saves++;
      this.#counts.bytes += bytes;
    });
    return writer;
  }

  async #lookWhileWritten(index: number): Promise<void> {
    const acknowledged = this.#acknowledged[index] ?? 0; // before it is read: what comes meanwhile may be there or not
    this.#judge(index, await absentIfMissing(() => fs.promises.readFile(this.#path(index))), acknowledged);
  }

  #lookAtAll(): void {
    for (const [index, acknowledged] of this.#acknowledged.entries()) {
      const file = this.#path(index);
      this.#judge(index, fs.existsSync(file) ? fs.readFileSync(file) : undefined, acknowledged);
    }
  }

  #judge(index: number, bytes: Uint8Array | undefined, acknowledged: number): void {
    const version = bytes && versionOf(bytes);
    this.#counts.reads++;
    if (bytes && version === undefined) this.#countOnce(this.#torn, index, "torn");
    else if (version === undefined || version < acknowledged) this.#countOnce(this.#lost, index, "lost");
  }

  #path(index: number): string {
    return path.join(this.#plan.to, this.#plan.names[index] ?? "");
  }

  #countOnce(seen: Set<number>, index: number, what: "lost" | "torn"): void {
    if (seen.has(index)) return;
    seen.add(index);
    this.#counts[what]++;
  }

  #failed(stderr: string): void {
    this.#failures++;
    this.#error ??= /^\w*Error.*$/m.exec(stderr)?.[0] ?? (stderr.trim() || "the writer ended on its own");
  }

  #leftovers(): number {
    const { to, names } = this.#plan;
    const known = new Set(names.map((name) => path.join(to, name)));
    const found = fs.readdirSync(to, { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile() && !known.has(path.join(entry.parentPath, entry.name))).length;
  }
}

async function absentIfMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
