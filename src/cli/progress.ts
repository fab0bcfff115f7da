/** A progress bar on standard error: percent, counts, rate, time left. Plain lines, about one in a second, off a terminal. */
import { performance } from "node:perf_hooks";

const EVERY_MS_TERMINAL = 100;
const EVERY_MS_PLAIN = 1000;
const BAR_CELLS = 20;
/** Before this much is done, nobody can tell how long the rest takes. */
const SHARE_MIN = 0.01;

/** What the bar shows now. Without `total` the end is not known. */
export interface Step {
  readonly done: number;
  readonly total?: number | undefined;
  /** How much of the work that is, 0 to 1, where counts do not tell. */
  readonly share?: number | undefined;
  /** Words after the numbers. */
  readonly text?: string | undefined;
}

/** How the bar is shown. */
export interface ProgressOptions {
  readonly label: string;
  /** How a count is written, e.g. as bytes. */
  readonly format?: (count: number) => string;
  /** Silent for this long; a short job shows no bar. */
  readonly afterMs?: number;
  /** No bar at all, e.g. with `--json`. */
  readonly hidden?: boolean;
}

/** One bar. */
export class Progress {
  readonly #startMs = performance.now();
  readonly #terminal = process.stderr.isTTY === true;
  readonly #options: ProgressOptions;
  #nextMs: number;
  #shown = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#nextMs = this.#startMs + (options.afterMs ?? 0);
  }

  /** Shows where the job is, unless the last time is not long ago. */
  update(step: Step): void {
    const nowMs = performance.now();
    if (this.#options.hidden || nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + (this.#terminal ? EVERY_MS_TERMINAL : EVERY_MS_PLAIN);
    const text = this.#text(step, (nowMs - this.#startMs) / 1000);
    this.#shown = true;
    if (!this.#terminal) process.stderr.write(`${text}\n`);
    else process.stderr.write(`\r${text.slice(0, (process.stderr.columns || 80) - 1)}\x1b[K`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shown && this.#terminal) process.stderr.write("\r\x1b[K");
    this.#shown = false;
  }

  #text({ done, total, text = "", share = total ? done / total : undefined }: Step, seconds: number): string {
    const { label, format = String } = this.#options;
    const rate = seconds > 0 ? done / seconds : 0;
    const filled = Math.floor((share ?? 0) * BAR_CELLS);
    const bar = share === undefined ? "" : ` [${"#".repeat(filled).padEnd(BAR_CELLS)}] ${Math.floor(share * 100)}%`;
    const counts = total === undefined ? format(done) : `${format(done)}/${format(total)}`;
    const left = share && share > SHARE_MIN ? `, ${Math.ceil((seconds * (1 - share)) / share)} s left` : "";
    return `${label}${bar} ${counts}, ${format(Math.round(rate))}/s${left}${text && `, ${text}`}`;
  }
}
