/** The record of a disk: each write and flush that reached it, and the marks of the protocol, in order. */
import * as fs from "node:fs";

/** One entry. A discarded or zeroed range is a write of zeros. */
export type Entry =
  | { readonly kind: "flush" }
  | { readonly kind: "mark"; readonly text: string }
  | { readonly kind: "write"; readonly offset: number; readonly data: Uint8Array };

const KINDS = ["write", "flush", "mark"] as const;
const HEADER_BYTES = 16;

/** Appends entries to a log file. */
export class BlockLog {
  readonly #file: number;

  constructor(path: string) {
    this.#file = fs.openSync(path, "w");
  }

  /** Appends one. */
  append(kind: Entry["kind"], offset: number, data: Uint8Array): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(KINDS.indexOf(kind), 0);
    header.writeUInt32LE(data.length, 4);
    header.writeBigUInt64LE(BigInt(offset), 8);
    fs.writeSync(this.#file, header);
    fs.writeSync(this.#file, data);
  }
}

/** Reads the file that {@link BlockLog} wrote. */
export function readBlockLog(path: string): Entry[] {
  const log = fs.readFileSync(path);
  const entries: Entry[] = [];
  for (let at = 0; at < log.length; ) {
    const kind = KINDS[log.readUInt32LE(at)];
    const end = at + HEADER_BYTES + log.readUInt32LE(at + 4);
    const data = log.subarray(at + HEADER_BYTES, end);
    if (kind === "write") entries.push({ kind, offset: Number(log.readBigUInt64LE(at + 8)), data });
    else if (kind === "mark") entries.push({ kind, text: String(data) });
    else entries.push({ kind: "flush" });
    at = end;
  }
  return entries;
}
