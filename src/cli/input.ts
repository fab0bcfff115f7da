/** Standard input as bytes. */
import * as fs from "node:fs";
import type { Progress } from "./progress.ts";

const STDIN = 0;

/**
 * What there is to read. For a disk or a directory `process.stdin` is an empty stream, which would replace a good file by an
 * empty one: these are read as files, the directory with the error that is due.
 */
export function standardInput(): AsyncIterable<Uint8Array> {
  const found = fs.fstatSync(STDIN);
  const readsAsEmpty = found.isBlockDevice() || found.isDirectory();
  return readsAsEmpty ? fs.createReadStream("", { fd: STDIN, autoClose: false }) : process.stdin;
}

/** The same bytes, shown as they come. */
export async function* counted(input: AsyncIterable<Uint8Array>, progress: Progress): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of input) {
    done += chunk.length;
    progress.update({ done });
    yield chunk;
  }
}
