import { Writable } from "node:stream";
import type { DataChunk } from "../io/data.ts";
import { checkOptions } from "../util/options.ts";
import { absolutePath } from "../util/path.ts";
import { OPTIONS, type StageFileOptions } from "./options.ts";
import { type StagedFile, stageFile } from "./stage-file.ts";

/**
 * A Node `Writable` that replaces the file at `path` when it is ended.
 *
 * Guarantee: as {@link stageFile}: `"finish"` comes after the commit, and a stream that is destroyed or fails leaves the
 * file as it was. With `stream.pipeline` the error of any part does that.
 *
 * Cost: one open descriptor until the stream closes; backpressure as for any `Writable`.
 *
 * @param options See {@link StageFileOptions}; with `signal`, an abort destroys the stream.
 * @throws {TypeError} or {RangeError} A wrong path or option. All else is the stream's `"error"`.
 * @example
 * await pipeline(request, createGunzip(), holdfast.createWriteStream("model.bin"));
 */
export function createWriteStream(path: string | URL, options?: StageFileOptions): Writable {
  const { signal } = checkOptions(options, OPTIONS.stage);
  const opening = stageFile(absolutePath(path), options);
  let staged: StagedFile | undefined;
  const settle = (work: Promise<unknown>, done: (error?: Error | null) => void): void => {
    work.then(
      () => done(),
      (error: Error) => done(error),
    );
  };
  return new Writable({
    decodeStrings: false,
    ...(signal ? { signal } : {}),
    construct(done) {
      settle(
        opening.then((opened) => {
          staged = opened;
        }),
        // Destroyed meanwhile, by the signal say: the first error stands, as Node would make an AggregateError of the two.
        (error) => done(this.errored ? null : error),
      );
    },
    write(chunk: DataChunk, _encoding, done) {
      settle(staged?.write(chunk) ?? Promise.resolve(), done);
    },
    final(done) {
      settle(staged?.commit() ?? Promise.resolve(), done);
    },
    destroy(error, done) {
      settle(staged?.discard() ?? Promise.resolve(), (failed) => done(error ?? failed ?? null));
    },
  });
}
