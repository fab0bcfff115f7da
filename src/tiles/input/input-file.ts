/** The file that is read: open once, so that it is one version, and watched for changes in place. */
import { errnoOf, HoldfastError } from "../../errors.ts";
import type { File, Machine, Stat } from "../../io/io.ts";
import { close, onFailure, open, type Program, read, statFile } from "../../io/program.ts";
import { run } from "../../io/run.ts";
import { slotsOf } from "../../io/slots.ts";
import { READ_BYTES_MAX } from "../../util/limits.ts";

/** What geotiff.js asks for without knowing whether there is so much: its header, and the first look at a directory. */
const LOOK_BYTES_MAX = 4096;

/** An input, open for reading. */
export class InputFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Equal for two inputs only if they are the same file, unchanged. */
  readonly version: string;
  readonly #machine: Machine;
  readonly #file: File;
  readonly #signal: AbortSignal;

  private constructor(path: string, { file, stat }: Opened, machine: Machine, signal: AbortSignal) {
    this.path = path;
    this.sizeBytes = stat.sizeBytes;
    this.version = versionOf(stat);
    this.#machine = machine;
    this.#file = file;
    this.#signal = signal;
  }

  /** @throws {HoldfastError} NOT_FOUND, NOT_A_FILE, PERMISSION and the like. */
  static async open(path: string, machine: Machine, signal: AbortSignal): Promise<InputFile> {
    const opened = await slotsOf(machine).programs.use(signal, () => run(openFile(path), machine.io, signal));
    return new InputFile(path, opened, machine, signal);
  }

  /** Exactly these bytes. */
  async bytes(offset: number, length: number): Promise<Uint8Array> {
    const bytes = await this.#read(offset, length);
    if (bytes.length === length) return bytes;
    throw this.damage(`it ends before byte ${offset + length}, and has ${this.sizeBytes}`);
  }

  /** What geotiff.js takes for a source. It does not look whether it was given all that it has asked for. */
  async fetch(slices: readonly { readonly offset: number; readonly length: number }[]): Promise<ArrayBuffer[]> {
    const pieces: ArrayBuffer[] = [];
    for (const { offset, length } of slices) {
      const bytes = length <= LOOK_BYTES_MAX ? await this.#read(offset, length) : await this.bytes(offset, length);
      pieces.push(bytes.buffer as ArrayBuffer);
    }
    return pieces;
  }

  /** @throws {HoldfastError} SOURCE_FAILED: somebody has written to it. */
  async expectUnchanged(): Promise<void> {
    const { programs } = slotsOf(this.#machine);
    const stat = await programs.use(this.#signal, () => run(statFile(this.#file), this.#machine.io, this.#signal));
    if (versionOf(stat) === this.version) return;
    throw new HoldfastError("SOURCE_FAILED", { what: "the input was changed while it was read", path: this.path });
  }

  async close(): Promise<void> {
    await run(close(this.#file), this.#machine.io);
  }

  /** The error that says what is wrong with it. */
  damage(what: string, cause?: unknown): HoldfastError {
    return new HoldfastError("SOURCE_FAILED", { what: `the input is damaged: ${what}`, path: this.path, cause });
  }

  /** The error that says what of it can't be read. */
  unsupported(what: string): HoldfastError {
    return new HoldfastError("UNSUPPORTED", { what, path: this.path });
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    const count = Math.max(0, Math.min(length, this.sizeBytes - offset));
    if (count === 0) return new Uint8Array(0);
    const { programs } = slotsOf(this.#machine);
    return await programs.use(this.#signal, () => run(readAt(this.#file, offset, count), this.#machine.io, this.#signal));
  }
}

interface Opened {
  readonly file: File;
  readonly stat: Stat;
}

function* openFile(path: string): Program<Opened> {
  let file: File;
  try {
    file = yield* open(path, "read");
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new HoldfastError("NOT_FOUND", { what: "there is no such input", path, cause: error });
  }
  return yield* onFailure(check(file, path), () => close(file));
}

function* check(file: File, path: string): Program<Opened> {
  const stat = yield* statFile(file);
  if (stat.kind !== "file") throw new HoldfastError("NOT_A_FILE", { path });
  return { file, stat };
}

/** Less only if the file ends before. */
function* readAt(file: File, offset: number, length: number): Program<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = yield* read(file, bytes.subarray(done, done + READ_BYTES_MAX), offset + done);
    if (count === 0) return bytes.slice(0, done);
    done += count;
  }
  return bytes;
}

const versionOf = ({ id, sizeBytes, modifiedMs }: Stat): string => JSON.stringify([id, sizeBytes, modifiedMs]);
