/** A Node `Writable` for something that takes an async iterable. */
import { Writable } from "node:stream";
import { HoldfastError } from "../errors.ts";
import type { Data, DataChunk } from "../io/data.ts";

type Done = (error?: Error | null) => void;

/** `write` gets what is written, and has the stream finish when it has taken all of it. */
export function writableTo(write: (data: Data) => Promise<void>): Writable {
  const feed = new Feed();
  const writing = write(feed);
  const settle = (done: Done): void => {
    writing.then(
      () => done(),
      (error: Error) => done(error),
    );
  };
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: DataChunk, _encoding, done) => feed.give(chunk, done),
    final(done) {
      feed.end();
      settle(done);
    },
    destroy(error, done) {
      feed.fail(error ?? new HoldfastError("CLOSED", { what: "the stream was destroyed before its end" }));
      done(error);
    },
  });
  writing.catch((error: Error) => stream.destroy(error));
  return stream;
}

/** One chunk at a time, from a stream to whoever iterates. */
class Feed implements AsyncIterable<DataChunk> {
  #chunk: { readonly chunk: DataChunk; readonly done: Done } | undefined;
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  give(chunk: DataChunk, done: Done): void {
    this.#chunk = { chunk, done };
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: Error): void {
    if (!this.#ended) this.#error ??= error;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DataChunk, void, undefined> {
    for (;;) {
      if (this.#error) throw this.#error;
      const given = this.#chunk;
      if (given) {
        this.#chunk = undefined;
        yield given.chunk;
        given.done(); // only when it was taken: that is the backpressure
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
