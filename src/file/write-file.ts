import { memoryOf } from "../core/prepare.ts";
import { currentMachine } from "../io/current.ts";
import { type Data, type DataChunk, mayStall, type Source, toSource } from "../io/data.ts";
import { atExit } from "../io/exit.ts";
import type { Machine } from "../io/io.ts";
import { run, runSync } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { HELD_BUDGET_ASYNC_MS, HELD_BUDGET_SYNC_MS } from "../util/limits.ts";
import { checkOptions } from "../util/options.ts";
import { absolutePath } from "../util/path.ts";
import { OPTIONS, signalOf, type WriteFileOptions, type WriteFileSyncOptions } from "./options.ts";
import { locate, perform, type WriteJob, type WriteResult } from "./write-job.ts";
import { writeOrderOf } from "./write-order.ts";

/**
 * Replaces the file at `path` by `data`, all or nothing.
 *
 * Guarantee: at every instant, and after a crash at any instant, `path` has the complete old or the complete new content.
 * With `durability: "durable"`, the default, the new content also survives power loss once the promise has resolved; what
 * was reached is in the result. Of several calls for one file, asynchronous or not and however they name it, the last call
 * wins. Shown by `test/crash/` on the fault model in `docs/FAULT-MODEL.md`.
 *
 * Cost: two syncs (`"durable"`), one (`"atomic"`) or none (`"volatile"`); concurrent writers in one directory share the
 * second. For the time of the write, the disk holds both versions. Of a source that is an iterable, one chunk is in memory.
 *
 * Not preserved: hard links to the old file, access control lists and extended attributes. Mode and owner are kept; what
 * could not be is in the result.
 *
 * @param path Target; its directory must exist unless `parents` is set. A final symbolic link is followed by default.
 * @param data A string (written as UTF-8), an `ArrayBuffer` or a view, or an iterable or async iterable of these, such as a
 *   stream. Not copied: do not change a buffer before the promise settles.
 * @param options See {@link WriteFileOptions}.
 * @throws {TypeError} or {RangeError} A wrong argument; nothing was touched.
 * @throws {HoldfastError} outcome `unchanged`: `NOT_FOUND`, `NOT_A_FILE`, `EXISTS`, `SYMLINK`, `INVALID_NAME`, `PERMISSION`,
 *   `READ_ONLY`, `NO_SPACE`, `TOO_MANY_FILES`, `BUSY`, `UNSUPPORTED`, `SOURCE_FAILED`, `ABORTED`.
 * @throws {HoldfastError} `SYNC_FAILED` or `IO`: outcome `unchanged` up to the rename, `unknown` from it on.
 *
 * Source: rename(2) on atomic replacement; fsync(2), DESCRIPTION, on the directory entry.
 * @example
 * await holdfast.writeFile("settings.json", JSON.stringify(settings));
 */
export async function writeFile(path: string | URL, data: Data, options?: WriteFileOptions): Promise<WriteResult> {
  const given = checkOptions(options, OPTIONS.write);
  const at = absolutePath(path);
  const source = toSource(data);
  const machine = currentMachine();
  const landed = given.flushAtExit ? writeAtExit(at, source, given, machine) : undefined;
  try {
    return await writeSource(at, source, given, machine);
  } catch (error) {
    if (!(source instanceof Uint8Array)) source.leave();
    throw error;
  } finally {
    landed?.();
  }
}

/** Of several writes of one file the last one is enough. */
function writeAtExit(path: string, source: Source, options: WriteFileOptions, machine: Machine): () => void {
  if (!(source instanceof Uint8Array)) throw new TypeError("data must not be an iterable with flushAtExit");
  if (options.ifAbsent) throw new TypeError("flushAtExit can't be had with ifAbsent: nobody would be told that the file exists");
  const { flushAtExit: _at, coalesce: _one, signal: _none, ...rest } = options;
  return atExit(machine, path, () => void writeFileSync(path, source, rest));
}

async function writeSource(path: string, source: Source, options: WriteFileOptions, machine: Machine): Promise<WriteResult> {
  const signal = signalOf(options);
  const slots = slotsOf(machine);
  const job = writeJob(path, options, machine, HELD_BUDGET_ASYNC_MS);
  const { result, superseded } = await writeOrderOf<WriteResult>(machine).write({
    spelling: path,
    resolve: () => run(locate(job), machine.io, signal),
    perform: (target, stale, overtake) =>
      (mayStall(source) ? slots.sources : slots.programs).use(signal, () =>
        run(perform(target, stale, source, job, overtake), machine.io, signal),
      ),
    coalesce: options.coalesce ?? false,
    supersedes: !options.ifAbsent,
    signal,
  });
  if (!superseded) return result;
  if (!(source instanceof Uint8Array)) source.leave();
  return { ...result, superseded };
}

/**
 * The synchronous twin of {@link writeFile}: same guarantee, same program. For start-up and exit, where nothing can be
 * awaited; elsewhere it blocks the event loop for the time of two syncs.
 *
 * It does not wait for asynchronous writes of the same file that were called before: those that have not landed by then
 * never will, and resolve with `superseded: true`.
 *
 * @param data As for {@link writeFile}, but no async iterable.
 * @throws As {@link writeFile}.
 * @example
 * process.on("exit", () => holdfast.writeFileSync("state.json", JSON.stringify(state)));
 */
export function writeFileSync(
  path: string | URL,
  data: DataChunk | Iterable<DataChunk>,
  options?: WriteFileSyncOptions,
): WriteResult {
  const given = checkOptions(options, OPTIONS.writeSync);
  const at = absolutePath(path);
  const source = toSource(data);
  if (mayStall(source)) throw new TypeError("data must not be an async iterable here; use writeFile instead of writeFileSync");
  const machine = currentMachine();
  const job = writeJob(at, given, machine, HELD_BUDGET_SYNC_MS);
  const { result, superseded } = writeOrderOf<WriteResult>(machine).writeSync(
    () => runSync(locate(job), machine.sync),
    (target, overtake) => runSync(perform(target, false, source, job, overtake), machine.sync),
    !given.ifAbsent,
  );
  return superseded ? { ...result, superseded } : result;
}

/** The job of a write with these options; `heldBudgetMs` unless the caller has set one. */
export function writeJob(path: string, options: WriteFileSyncOptions, machine: Machine, heldBudgetMs: number): WriteJob {
  return {
    path,
    options,
    durability: options.durability ?? "durable",
    heldBudgetMs: options.busyTimeoutMs ?? heldBudgetMs,
    memory: memoryOf(machine),
  };
}
