/**
 * Directory barriers that concurrent writers share.
 *
 * A directory fsync covers every rename that was completed before it began. So a writer that comes while one is running
 * waits for the next, and all who wait share that one. The next begins once at least as many wait as are still between the
 * sync and the rename of their file in this directory: with 64 writers at once a handful of directory fsyncs serve all, a
 * single writer never waits, and nobody waits for longer than file syncs that have already begun.
 */
import * as path from "node:path";
import type { File, Io, Machine } from "./io.ts";
import type { OpenDir } from "./node-calls.ts";

/** A machine without shared barriers. */
export interface BareMachine extends Machine {
  readonly openDir: (path: string) => Promise<OpenDir>;
}

interface Waiter {
  readonly resolve: (synced: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** One directory with writers in it. */
class Directory {
  readonly #open: () => Promise<OpenDir>;
  #waiting: Waiter[] = [];
  #running = false;
  /** Writers between the sync of their file and its close, which comes with the barrier. */
  #coming = 0;
  /**
   * Opened for the next barrier while files are still being synced, so that the barrier need not wait for it. Each barrier
   * has its own: one kept for longer could be of a directory that no longer has this path.
   */
  #next: Promise<OpenDir> | undefined;

  constructor(open: () => Promise<OpenDir>) {
    this.#open = open;
  }

  get idle(): boolean {
    return !this.#running && this.#waiting.length === 0 && this.#coming === 0;
  }

  expect(): void {
    this.#coming++;
    if (this.#next) return;
    this.#next = this.#open();
    this.#next.catch(() => {}); // whoever waits for the barrier hears of it
  }

  unexpect(): void {
    this.#coming--;
    this.#proceed();
    if (this.idle) this.#closeNext();
  }

  join(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#proceed();
    });
  }

  /** Begins the next barrier if its time has come. */
  #proceed(): void {
    if (this.#running || this.#waiting.length === 0 || this.#waiting.length < this.#coming) return;
    const served = this.#waiting;
    const opened = this.#next ?? this.#open();
    this.#waiting = [];
    this.#next = undefined;
    this.#running = true;
    void this.#serve(served, opened);
  }

  async #serve(served: readonly Waiter[], opened: Promise<OpenDir>): Promise<void> {
    try {
      const dir = await opened;
      const synced = await dir.sync().finally(() => dir.close());
      for (const { resolve } of served) resolve(synced);
    } catch (error) {
      // It is not known which of them it covered, so it failed for all.
      for (const { reject } of served) reject(error);
    }
    this.#running = false;
    this.#proceed();
  }

  #closeNext(): void {
    this.#next?.then(
      (dir) => dir.close(),
      () => {},
    );
    this.#next = undefined;
  }
}

/**
 * Wraps a machine so that `syncDir` is shared by the writers of a directory.
 *
 * @param openDir Opens a directory ahead of its barrier; without it, each barrier is one `syncDir` of `io`.
 */
export function sharingBarriers(io: Io, openDir: BareMachine["openDir"] = withoutOpening(io)): Io {
  const directories = new Map<string, Directory>();
  /** Where each file made here is, and whether its writer is on the way to the barrier. */
  const made = new Map<File, { readonly dir: string; coming: boolean }>();

  const at = (dir: string): Directory => {
    let directory = directories.get(dir);
    if (!directory) {
      directory = new Directory(() => openDir(dir));
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

function withoutOpening(io: Io): BareMachine["openDir"] {
  return async (path) => ({ sync: async () => io.syncDir(path), close: () => {} });
}
