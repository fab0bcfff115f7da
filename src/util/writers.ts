/** The writers of one staged directory: all are waited for before it is committed or removed. */
import { HoldfastError, isHoldfastError } from "../errors.ts";
import { LISTED_MAX } from "./limits.ts";

/** See above. */
export class Writers {
  readonly #running = new Set<Promise<unknown>>();
  readonly #errors: unknown[] = [];
  readonly #stop = new AbortController();

  /** Aborted when a writer has failed, or nothing more is wanted: what others write then is in vain. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Whether some are at work. A writer may start others for as long as it runs. */
  get busy(): boolean {
    return this.#running.size > 0;
  }

  /** Adds one. Its failure is an error of the whole, and so is nobody's unhandled rejection. */
  add<T>(writer: Promise<T>): Promise<T> {
    this.#running.add(writer);
    writer.then(
      () => this.#running.delete(writer),
      (error: unknown) => {
        this.#running.delete(writer);
        this.#errors.push(error);
        this.stop();
      },
    );
    return writer;
  }

  stop(): void {
    this.#stop.abort(new HoldfastError("CLOSED", { what: "the staged directory is given up" }));
  }

  /** Resolves when none is at work any more, with the error of the first that failed, if one did. */
  async settle(target: string): Promise<HoldfastError | undefined> {
    while (this.busy) await Promise.allSettled(this.#running);
    if (this.#errors.length === 0) return undefined;
    const [first, ...others] = this.#errors;
    const what = `a writer of the staged directory failed (${messageOf(first)})`;
    return new HoldfastError("WRITER_FAILED", {
      what: others.length > 0 ? `${what}, and ${others.length} more` : what,
      path: target,
      cause: first,
      details: {
        ...(isHoldfastError(first) ? { code: first.code } : {}),
        alsoFailed: others.length,
        others: others.slice(0, LISTED_MAX).map(messageOf),
      },
    });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
