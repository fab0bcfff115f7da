import { readWhole } from "../core/read.ts";
import { currentMachine } from "../io/current.ts";
import { run, runSync } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { HELD_BUDGET_ASYNC_MS, HELD_BUDGET_SYNC_MS } from "../util/limits.ts";
import { checkOptions } from "../util/options.ts";
import { absolutePath } from "../util/path.ts";
import { OPTIONS, type ReadFileOptions, type ReadFileSyncOptions, signalOf } from "./options.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads a whole regular file, of one version: a replace meanwhile does not mix in.
 *
 * Guarantee: what is returned was the complete content of the file at one moment, if all its writers replace it, as
 * {@link writeFile} does. A file that somebody holds (Windows) is waited for, never reported as missing.
 *
 * Cost: the content once in memory, as a string once more.
 *
 * @param path A final symbolic link is followed.
 * @param options `"utf8"` gives a string; see {@link ReadFileOptions}.
 * @throws {HoldfastError} `NOT_FOUND` only if it is proven that there is no such file; `NOT_A_FILE`, `PERMISSION`, `BUSY`, `IO`.
 * @example
 * const settings = JSON.parse(await holdfast.readFile("settings.json", "utf8"));
 */
export async function readFile(path: string | URL, options: "utf8" | (ReadFileOptions & { encoding: "utf8" })): Promise<string>;
export async function readFile(path: string | URL, options?: ReadFileOptions & { encoding?: undefined }): Promise<Uint8Array>;
export async function readFile(path: string | URL, options?: ReadFileOptions | "utf8"): Promise<Uint8Array | string> {
  const given = checkOptions(withEncoding(options), OPTIONS.read);
  const at = absolutePath(path);
  const machine = currentMachine();
  const signal = signalOf(given);
  const program = readWhole(at, given.busyTimeoutMs ?? HELD_BUDGET_ASYNC_MS);
  const bytes = await slotsOf(machine).programs.use(signal, () => run(program, machine.io, signal));
  return given.encoding ? decoder.decode(bytes) : bytes;
}

/** The synchronous twin of {@link readFile}. */
export function readFileSync(path: string | URL, options: "utf8" | (ReadFileSyncOptions & { encoding: "utf8" })): string;
export function readFileSync(path: string | URL, options?: ReadFileSyncOptions & { encoding?: undefined }): Uint8Array;
export function readFileSync(path: string | URL, options?: ReadFileSyncOptions | "utf8"): Uint8Array | string {
  const given = checkOptions(withEncoding(options), OPTIONS.readSync);
  const bytes = runSync(readWhole(absolutePath(path), given.busyTimeoutMs ?? HELD_BUDGET_SYNC_MS), currentMachine().sync);
  return given.encoding ? decoder.decode(bytes) : bytes;
}

function withEncoding<T extends ReadFileOptions>(options: T | "utf8" | undefined): T | undefined {
  return options === "utf8" ? ({ encoding: "utf8" } as T) : options;
}
