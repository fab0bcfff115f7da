/** New content of one file, in its slot of the staged directory. */
import { createHash, type Hash } from "node:crypto";
import { type Attributes, checkSize, type NotKept, setAttributes, stagingMode } from "../core/stage.ts";
import { writeSource } from "../core/write.ts";
import type { Source } from "../io/data.ts";
import { close, ensure, open, type Program, statFile, syncFile } from "../io/program.ts";

/** Content that was staged. */
export interface Content {
  /** In hexadecimal. Of what was given, so that a disk that has stored something else is noticed. */
  readonly sha256: string;
  readonly notKept: readonly NotKept[];
}

/** Writes a source to a new file, and gives it its owner and mode. */
export function* stageContent(path: string, source: Source, attributes: Attributes, sync: boolean): Program<Content> {
  const file = yield* open(path, "create", stagingMode(attributes));
  const body = function* (): Program<Content> {
    const hash = createHash("sha256");
    const sizeBytes = yield* writeSource(file, hashed(source, hash), 0);
    const created = yield* statFile(file);
    const notKept = yield* setAttributes({ file, created }, attributes);
    if (sync) yield* syncFile(file);
    yield* checkSize({ path, file }, sizeBytes);
    return { sha256: hash.digest("hex"), notKept };
  };
  return yield* ensure(body(), () => close(file));
}

function hashed(source: Source, hash: Hash): Source {
  if (source instanceof Uint8Array) {
    hash.update(source);
    return source;
  }
  const through = <T extends Uint8Array | undefined>(chunk: T): T => {
    if (chunk) hash.update(chunk);
    return chunk;
  };
  const { next, leave } = source;
  const { sync } = next;
  const { async: wait } = next;
  return {
    next: { async: async () => through(await wait()), ...(sync ? { sync: () => through(sync()) } : {}) },
    leave,
  };
}
