/** Standard input as bytes. */
import * as fs from "node:fs";

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
