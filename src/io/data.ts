/** What a caller may give as content, and how it becomes a source. */
import { HoldfastError } from "../errors.ts";

/** Where bytes come from: all at once, or chunk by chunk. */
export type Source = Cursor | Uint8Array;

/** A source that is read chunk by chunk. `leave` is called when it is not read to its end, and is not waited for. */
export interface Cursor {
  readonly next: { readonly async: () => PromiseLike<Chunk> | Chunk; readonly sync?: (() => Chunk) | undefined };
  readonly leave: () => void;
}

/** One chunk, or undefined at the end. */
export type Chunk = Uint8Array | undefined;

/** One piece of content. Strings are written as UTF-8; of a view exactly the bytes it covers. */
export type DataChunk = ArrayBuffer | ArrayBufferView | string;

/** Content of a file: at once, or in chunks of any size and number. Node and web streams are async iterables. */
export type Data = AsyncIterable<DataChunk> | DataChunk | Iterable<DataChunk>;

const encoder = new TextEncoder();

/** The bytes of a chunk, or undefined if it is none. Never a copy. */
function bytesOf(chunk: unknown): Uint8Array | undefined {
  if (typeof chunk === "string") return encoder.encode(chunk);
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  return undefined;
}

/**
 * The source of `data`. Nothing is read before the first `next`.
 *
 * @throws {TypeError} `data` is none of the types of {@link Data}.
 */
export function toSource(data: unknown): Source {
  const bytes = bytesOf(data);
  if (bytes) return bytes;
  if (typeof data === "object" && data !== null) {
    if (Symbol.asyncIterator in data) return cursor(data, () => (data as AsyncIterable<unknown>)[Symbol.asyncIterator](), false);
    if (Symbol.iterator in data) return cursor(data, () => (data as Iterable<unknown>)[Symbol.iterator](), true);
  }
  throw new TypeError(`data must be a string, an ArrayBuffer, a view of one, or an iterable of these; it is ${describe(data)}`);
}

/** Whether reading the source may wait for something outside this process. */
export function mayStall(source: Source): boolean {
  return !(source instanceof Uint8Array) && source.next.sync === undefined;
}

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

function cursor(data: object, begin: () => AnyIterator, hasSync: boolean): Cursor {
  let iterator: AnyIterator | undefined;
  // A stream that fails before it is read emits "error", which ends the process if nobody listens; reading reports it anyway.
  const { on, destroy } = data as { on?: unknown; destroy?: unknown };
  if (typeof on === "function") on.call(data, "error", () => {});

  const next = (): unknown => {
    iterator ??= begin();
    return iterator.next();
  };
  const leave = (): void => {
    // Leaving an iterator that was never begun would not close the stream below it.
    if (!iterator && typeof destroy === "function") destroy.call(data);
    else Promise.resolve(iterator?.return?.()).catch(() => {});
  };
  return {
    next: { async: () => pull(next), ...(hasSync ? { sync: () => pullSync(next) } : {}) },
    leave: () => quiet(leave),
  };
}

async function pull(next: () => unknown): Promise<Chunk> {
  let item: unknown;
  try {
    item = await next();
  } catch (cause) {
    throw new HoldfastError("SOURCE_FAILED", { cause });
  }
  return chunkOf(item);
}

function pullSync(next: () => unknown): Chunk {
  let item: unknown;
  try {
    item = next();
  } catch (cause) {
    throw new HoldfastError("SOURCE_FAILED", { cause });
  }
  return chunkOf(item);
}

function chunkOf(item: unknown): Chunk {
  const { done, value } = item as IteratorResult<unknown>;
  if (done) return undefined;
  const bytes = bytesOf(value);
  if (bytes) return bytes;
  throw new TypeError(`each chunk of data must be a string, an ArrayBuffer or a view of one; one is ${describe(value)}`);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return `an object of type ${(value as object).constructor?.name ?? "Object"}`;
}

/** The write has failed or is superseded already: what its source says to being left changes nothing. */
function quiet(leave: () => void): void {
  try {
    leave();
  } catch (ignored) {
    void ignored;
  }
}
