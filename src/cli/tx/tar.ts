/**
 * A tar stream, entry by entry: ustar with the extended headers of pax, and the long names of GNU tar. Only what `holdfast tx apply`
 * needs (docs/decisions/0032-tar-by-hand.md): files and directories; all else is refused.
 *
 * Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format".
 */

/** One file or directory. The content must be read to its end before the next entry is asked for. */
export interface TarEntry {
  readonly kind: "directory" | "file";
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const BLOCK = 512;
const MODE_BITS = 0o7777;
/** Of an extended header, or a long name. */
const HEADER_BYTES_MAX = 1024 * 1024;

/**
 * The entries of a tar stream.
 *
 * @throws {TypeError} It is none, is cut off, or has what is neither a file nor a directory.
 */
export async function* readTar(input: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, undefined> {
  const reader = new Reader(input);
  let longPath: string | undefined;
  let longSize: number | undefined;
  for (let header = await reader.header(); header; header = await reader.header()) {
    const type = text(header, 156, 1);
    const size = longSize ?? number(header, 124, 12);
    if (type === "x" || type === "g" || type === "L") {
      if (size > HEADER_BYTES_MAX) throw new TypeError("the tar stream has an extended header that is too long");
      const extension = Buffer.concat(await collect(reader.content(size)));
      if (type === "L") longPath = extension.toString().replace(/\0.*$/s, "");
      if (type !== "x") continue;
      const { path, size: newSize } = records(extension);
      longPath = path ?? longPath;
      longSize = newSize === undefined ? undefined : Number(newSize);
      continue;
    }
    const prefix = text(header, 257, 5) === "ustar" ? text(header, 345, 155) : "";
    const name = longPath ?? (prefix === "" ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`);
    [longPath, longSize] = [undefined, undefined];
    const isDirectory = type === "5" || (type === "" && name.endsWith("/"));
    if (!isDirectory && !["", "0", "7"].includes(type))
      throw new TypeError(`the tar stream has ${JSON.stringify(name)}, which is neither a file nor a directory`);
    const path = name.replace(/^(\.\/+)+/, "").replace(/\/+$/, "");
    const content = reader.content(size);
    const mode = number(header, 100, 8) & MODE_BITS;
    if (path !== "" && path !== ".") yield { kind: isDirectory ? "directory" : "file", path, mode, content };
    for await (const rest of content) void rest; // of a directory, or what the caller has left
  }
}

class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#chunks = input[Symbol.asyncIterator]();
  }

  /** Undefined at the end: a block of zeros, or the end of the stream. */
  async header(): Promise<Buffer | undefined> {
    const block = Buffer.concat(await collect(this.#take(BLOCK, true)));
    if (block.every((byte) => byte === 0)) {
      for (let chunk = await this.#chunks.next(); !chunk.done; ) chunk = await this.#chunks.next(); // what pads the end
      return undefined;
    }
    let sum = 0;
    for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte;
    if (block.length === BLOCK && number(block, 148, 8) === sum) return block;
    throw new TypeError("the input is neither a JSON list nor a tar stream, or it is damaged");
  }

  /** The content of an entry, and what pads it. */
  async *content(size: number): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#take(size, false);
    for await (const padding of this.#take((BLOCK - (size % BLOCK)) % BLOCK, false)) void padding;
  }

  async *#take(count: number, mayEnd: boolean): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#chunks.next();
        if (done && mayEnd) return;
        if (done) throw new TypeError("the tar stream is cut off");
        this.#rest = value;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

const text = (header: Buffer, at: number, length: number): string =>
  header.toString("utf8", at, at + length).replace(/\0.*$/s, "");

/** Octal digits; or, of GNU tar, a binary number if the first bit is set. */
function number(header: Buffer, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) !== 0) return header.readUIntBE(at + length - 6, 6);
  const digits = text(header, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new TypeError("the input is neither a JSON list nor a tar stream, or it is damaged");
  return Number.parseInt(digits || "0", 8);
}

/** `LENGTH KEY=VALUE\n`, one after the other. */
function records(extension: Buffer): Partial<Record<string, string>> {
  const found: Record<string, string> = {};
  for (let at = 0; at < extension.length; ) {
    const length = Number.parseInt(extension.toString("latin1", at, at + 20), 10);
    if (!(length > 0)) throw new TypeError("the tar stream has a damaged extended header");
    const [, key = "", value = ""] = /^\d+ ([^=]*)=(.*)\n$/s.exec(extension.toString("utf8", at, at + length)) ?? [];
    found[key] = value;
    at += length;
  }
  return found;
}
