/** What a log holds, by the programs of its reader: on any machine, and at once. */
import type { IoSync } from "../../dist/io/io.js";
import { runSync } from "../../dist/io/run.js";
import { closeCursor, openCursor, readMore } from "../../dist/log/read.js";

/** What a reader on this machine sees now. */
export function recordsBy(machine: IoSync, dir: string): Uint8Array[] {
  const all: Uint8Array[] = [];
  const cursor = runSync(openCursor(dir, undefined), machine);
  for (let records = runSync(readMore(cursor), machine); records; records = runSync(readMore(cursor), machine))
    all.push(...records.map(({ bytes }) => bytes));
  runSync(closeCursor(cursor), machine);
  return all;
}
