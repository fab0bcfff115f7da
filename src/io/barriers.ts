/**
 * Directory barriers that concurrent writers share.
 *
 * A directory fsync covers every rename that was completed before it began. So a writer that comes while one is running
 * waits for the next, and all who wait share that one. The next begins once at least as many wait as are still between the
 * sync and the rename of their file in this directory: with 64 writers at once a handful of directory fsyncs serve all, a
 * single writer never waits, and nobody waits for the others longer than {@link BARRIER_WAIT_MAX_MS}.
 */
import * as path from "node:path";
import { BARRIER_WAIT_MAX_MS } from "../util/limits.ts";
import type { File, Io } from "./io.ts";

interface Waiter {
  readonly resolve: (synced: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** One directory with writers in it. */
class Directory {
  readonly #sync: () => Promise<boolean> | boolean;
  readonly #sleep: (milliseconds: number) => unknown;
  #waiting: Waiter[] = [];
  #running = false;
  /** Whether the first of those who wait has waited long enough. */
  #overdue = false;
  /** Writers between the sync of their file and its close, which comes with the barrier. */
  #coming = 0;

  constructor(sync: () => Promise<boolean> | boolean, sleep: (milliseconds: number) => unknown) {
    this.#sync = sync;
    this.#sleep = sleep;
  }

  get idle(): boolean {
    return !this.#running && this.#waiting.length === 0 && this.#coming === 0;
  }

  expect(): void {
    this.#coming++;
  }

  unexpect(): void {
    this.#coming--;
    this.#proceed();
  }

  join(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#waiting.push(waiter);
      this.#proceed();
      if (this.#waiting[0] === waiter) void this.#waitNoLonger(waiter);
    });
  }

  /** Those who are coming may be long in coming: a file of gigabytes is synced for seconds. */
  async #waitNoLonger(first: Waiter): Promise<void> {
    await undefined; // by then a single writer has closed its file, and waits for nobody
    if (this.#waiting[0] !== first) return;
    await this.#sleep(BARRIER_WAIT_MAX_MS);
    if (this.#waiting[0] !== first) return;
    this.#overdue = true;
    this.#proceed();
  }

  /** Begins the next barrier if its time has come. */
  #proceed(): void {
    if (this.#running || this.#waiting.length === 0) return;
    if (this.#waiting.length < this.#coming && !this.#overdue) return;
    const served = this.#waiting;
    this.#waiting = [];
    this.#overdue = false;
    this.#running = true;
    void this.#serve(served);
  }

  async #serve(served: readonly Waiter[]): Promise<void> {
    try {
      const synced = await this.#sync();
      for (const { resolve } of served) resolve(synced);
    } catch (error) {
      // It is not known which of them it covered, so it failed for all.
      for (const { reject } of served) reject(error);
    }
    this.#running = false;
    this.#proceed();
  }
}

/** Wraps a machine so that `syncDir` is shared by the writers of a directory. */
export function sharingBarriers(io: Io): Io {
  const directories = new Map<string, Directory>();
  /** Where each file made here is, and whether its writer is on the way to the barrier. */
  const made = new Map<File, { readonly dir: string; coming: boolean }>();

  const at = (dir: string): Directory => {
    let directory = directories.get(dir);
    if (!directory) {
      directory = new Directory(
        () => io.syncDir(dir),
        (milliseconds) => io.sleep(milliseconds),
      );
      directories.set(dir, directory);
    }
    return directory;
  };
  const forgetIfIdle = (dir: string): void => {
    if (directories.get(dir)?.idle) directories.delete(dir);
  };

  return {
    ...io,
    async open(name, access, mode) {
      const file = await io.open(name, access, mode);
      if (access === "create") made.set(file, { dir: path.dirname(name), coming: false });
      return file;
    },
    syncFile(file) {
      const writer = made.get(file);
      if (writer && !writer.coming) {
        writer.coming = true;
        at(writer.dir).expect();
      }
      return io.syncFile(file);
    },
    close(file) {
      const writer = made.get(file);
      made.delete(file);
      if (writer?.coming) {
        at(writer.dir).unexpect();
        forgetIfIdle(writer.dir);
      }
      return io.close(file);
    },
    async syncDir(dir) {
      try {
        return await at(dir).join();
      } finally {
        forgetIfIdle(dir);
      }
    },
  };
}
