import * as path from "node:path";
import { readWhole } from "../core/read.ts";
import type { Target } from "../core/target.ts";
import { isHoldfastError } from "../errors.ts";
import { lockNameFor } from "../format/names.ts";
import { currentMachine } from "../io/current.ts";
import type { Data, DataChunk } from "../io/data.ts";
import type { Machine } from "../io/io.ts";
import { run, runSync } from "../io/run.ts";
import { withLock, withLockSync } from "../lock/index.ts";
import { HELD_BUDGET_ASYNC_MS, HELD_BUDGET_SYNC_MS, LOCK_TIMEOUT_MS } from "../util/limits.ts";
import { checkOptions } from "../util/options.ts";
import { absoluteDirectory, absolutePath } from "../util/path.ts";
import { OPTIONS, signalOf, type UpdateFileOptions, type UpdateFileSyncOptions } from "./options.ts";
import { writeFile, writeFileSync, writeJob } from "./write-file.ts";
import { locate, type WriteResult } from "./write-job.ts";

/** What an update did. */
export type UpdateResult = ({ readonly changed: true } & WriteResult) | { readonly changed: false };

/**
 * Reads the file at `path`, gives its content to `change`, and replaces the file by what that returns: all under a lock, so
 * that of many updates at once, in any number of processes, none is lost.
 *
 * Guarantee: as {@link writeFile}, and between the read and the write no other `updateFile` or `updateJson` of this file
 * takes place. If `change` throws, nothing is changed. Plain writes are not kept out: use updates for all of them.
 *
 * Cost: {@link writeFile}, a read, and a lock: see {@link acquireLock}. The lock file `PATH.lock` is made beside the file, or
 * in `lockDirectory`, and stays; add `*.lock` to `.gitignore`.
 *
 * @param change Gets the content, or undefined if there is no file; may be asynchronous. Returning undefined changes nothing.
 * @throws As {@link writeFile}; `LOCKED` after `lockTimeoutMs`; what `change` throws, as it is.
 * @example
 * await holdfast.updateFile("visits", (old) => String(Number(old ? new TextDecoder().decode(old) : 0) + 1));
 */
export async function updateFile(
  path: string | URL,
  change: (content: Uint8Array | undefined) => Data | Promise<Data | undefined> | undefined,
  options?: UpdateFileOptions,
): Promise<UpdateResult> {
  const { lockTimeoutMs, lockDirectory, ...rest } = checkOptions(options, OPTIONS.update);
  refuseUnlessFunction(change);
  const machine = currentMachine();
  const signal = signalOf(rest);
  const job = writeJob(absolutePath(path), rest, machine, HELD_BUDGET_ASYNC_MS);
  const target = await run(locate(job), machine.io, signal);
  const update = async (): Promise<UpdateResult> => {
    const content = await change(await contentOf(target, machine, job.heldBudgetMs));
    if (content === undefined) return { changed: false };
    return { changed: true, ...(await writeFile(target.path, content, rest)) };
  };
  return await withLock(lockPath(target, lockDirectory), update, { timeoutMs: lockTimeoutMs, signal });
}

/**
 * The synchronous twin of {@link updateFile}. Waits for other processes; if an asynchronous update of this process has the
 * lock, which can't go on meanwhile, it throws `LOCKED` at once.
 */
export function updateFileSync(
  path: string | URL,
  change: (content: Uint8Array | undefined) => DataChunk | Iterable<DataChunk> | undefined,
  options?: UpdateFileSyncOptions,
): UpdateResult {
  const { lockTimeoutMs = LOCK_TIMEOUT_MS, lockDirectory, ...rest } = checkOptions(options, OPTIONS.updateSync);
  refuseUnlessFunction(change);
  const machine = currentMachine();
  const job = writeJob(absolutePath(path), rest, machine, HELD_BUDGET_SYNC_MS);
  const target = runSync(locate(job), machine.sync);
  return withLockSync(lockPath(target, lockDirectory), lockTimeoutMs, () => {
    const content = change(contentOfSync(target, machine, job.heldBudgetMs));
    if (content === undefined) return { changed: false };
    return { changed: true, ...writeFileSync(target.path, content, rest) };
  });
}

function refuseUnlessFunction(change: unknown): void {
  if (typeof change !== "function") throw new TypeError("change must be a function");
}

/** In another directory the name has to tell files of several directories apart. */
function lockPath({ path: at, name }: Target, directory: string | URL | undefined): string {
  if (directory === undefined) return `${at}.lock`;
  return path.join(absoluteDirectory(directory), lockNameFor(at, name));
}

async function contentOf({ path: at }: Target, machine: Machine, heldBudgetMs: number): Promise<Uint8Array | undefined> {
  try {
    return await run(readWhole(at, heldBudgetMs), machine.io);
  } catch (error) {
    return absentIfNotFound(error);
  }
}

function contentOfSync({ path: at }: Target, machine: Machine, heldBudgetMs: number): Uint8Array | undefined {
  try {
    return runSync(readWhole(at, heldBudgetMs), machine.sync);
  } catch (error) {
    return absentIfNotFound(error);
  }
}

function absentIfNotFound(error: unknown): undefined {
  if (isHoldfastError(error, "NOT_FOUND")) return undefined;
  throw error;
}
