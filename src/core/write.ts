/** Bytes of a source into an open file, with one chunk in memory. */
import { HoldfastError } from "../errors.ts";
import type { Cursor, Source } from "../io/data.ts";
import type { File } from "../io/io.ts";
import { ensure, type Program, wait, write } from "../io/program.ts";
import { GATHER_BYTES, WRITE_BYTES_MAX } from "../util/limits.ts";

/** Writes every byte: write(2) may write less than asked, and says why only at the next call. */
function* writeFully(file: File, bytes: Uint8Array, position: number): Program<void> {
  for (let done = 0; done < bytes.length; ) {
    const piece = bytes.subarray(done, done + WRITE_BYTES_MAX);
    const count = yield* write(file, piece, position + done);
    if (count === 0)
      throw new HoldfastError("NO_SPACE", { what: "the system wrote none of the bytes it was given", op: "write" });
    done += count;
  }
}

/** Writes a whole source from a position on, small chunks gathered, and returns how many bytes it had. */
export function* writeSource(file: File, source: Source, from: number): Program<number> {
  if (source instanceof Uint8Array) {
    yield* writeFully(file, source, from);
    return source.length;
  }
  return (yield* writeChunks(file, source, from)) - from;
}

/** Returns the position after the last byte. */
function* writeChunks(file: File, source: Cursor, from: number): Program<number> {
  let ended = false;
  const pump = function* (): Program<number> {
    let position = from;
    let gathered = 0;
    let gather: Uint8Array | undefined;
    const flush = function* (): Program<void> {
      if (!gather || gathered === 0) return;
      yield* writeFully(file, gather.subarray(0, gathered), position);
      position += gathered;
      gathered = 0;
    };
    for (;;) {
      const chunk = yield* wait(source.next);
      if (chunk === undefined) break;
      if (gathered + chunk.length > GATHER_BYTES) yield* flush();
      if (chunk.length >= GATHER_BYTES) {
        yield* writeFully(file, chunk, position);
        position += chunk.length;
        continue;
      }
      gather ??= new Uint8Array(GATHER_BYTES);
      gather.set(chunk, gathered);
      gathered += chunk.length;
    }
    ended = true;
    yield* flush();
    return position;
  };
  const leave = (): void => {
    if (!ended) source.leave();
  };
  return yield* ensure(pump(), () => wait({ async: leave, sync: leave }));
}
