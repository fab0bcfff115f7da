/** The record of a commit of several steps: `docs/format/journal.md`. */
import { createHash } from "node:crypto";
import { HoldfastError } from "../errors.ts";

/**
 * What tells one object from another, and one content of it from another: no digest, as whatever writes to a file changes its
 * inode, its size or its time. The device is not part of it: its number may change with every start of a machine.
 */
export interface Seen {
  readonly kind: "directory" | "file" | "other" | "symlink";
  readonly inode: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** New content in its staged place. Files have a digest, so that damage is noticed before it is published. */
export interface StagedContent extends Seen {
  readonly sha256?: string | undefined;
}

/** One step. Paths are relative to the directory of the record, with `/` between names. `before: null`: nothing was there. */
export type JournalStep =
  | {
      readonly do: "swap";
      readonly target: string;
      readonly before: Seen;
      readonly staged: string;
      readonly after: Seen;
      readonly aside: string;
    }
  | {
      readonly do: "put";
      readonly target: string;
      readonly before: Seen | null;
      readonly staged: string;
      readonly after: StagedContent;
    }
  | {
      /** `from` takes the name `target`: what is there now, not new content. No directory. */
      readonly do: "rename";
      readonly from: string;
      readonly target: string;
      readonly before: Seen | null;
      readonly after: Seen;
    }
  | { readonly do: "make-directory"; readonly target: string; readonly mode: number }
  | { readonly do: "remove"; readonly target: string; readonly before: Seen }
  | { readonly do: "remove-directory"; readonly target: string; readonly before: Seen };

/** All that is to be done, in this order, once the record exists. */
export interface JournalRecord {
  /** What the unit replaces, for people; {@link WHOLE} for a transaction. */
  readonly target: string;
  readonly steps: readonly JournalStep[];
}

/** The target of what is about many paths: the directory of the record. */
export const WHOLE = ".";

const MAGIC = "holdfast-journal";
const VERSION = 1;
const HEADER = /^holdfast-journal (\d+) ([0-9a-f]{64}) (\d+)\n/;
const HEADER_BYTES_MAX = 128;

/** The bytes of a record. */
export function encodeJournal(record: JournalRecord): Uint8Array {
  const body = Buffer.from(JSON.stringify(record));
  return Buffer.concat([Buffer.from(`${MAGIC} ${VERSION} ${sha256(body)} ${body.length}\n`), body]);
}

/**
 * The record of these bytes.
 *
 * @throws {HoldfastError} CORRUPT_JOURNAL: it is not whole, or not ours. UNSUPPORTED: it was written by a newer version.
 */
export function decodeJournal(bytes: Uint8Array, path: string): JournalRecord {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [header, version, digest, length] = HEADER.exec(buffer.toString("latin1", 0, HEADER_BYTES_MAX)) ?? [];
  if (header === undefined) throw new HoldfastError("CORRUPT_JOURNAL", { what: "the record of a commit has no header", path });
  if (Number(version) > VERSION) {
    throw new HoldfastError("UNSUPPORTED", {
      what: `the record of a commit has format ${version}, and this version of Holdfast knows up to ${VERSION}`,
      path,
    });
  }
  const body = buffer.subarray(header.length);
  if (body.length !== Number(length) || sha256(body) !== digest) {
    throw new HoldfastError("CORRUPT_JOURNAL", { what: "the record of a commit does not match its checksum", path });
  }
  const record = JSON.parse(body.toString()) as JournalRecord;
  const outside = record.steps.flatMap(pathsOf).find((one) => !staysInside(one));
  if (outside === undefined) return record;
  throw new HoldfastError("CORRUPT_JOURNAL", { what: `the record of a commit names a path outside: ${outside}`, path });
}

/** All paths that a step is about. */
export const pathsOf = (step: JournalStep): string[] => [
  step.target,
  ...("staged" in step ? [step.staged] : []),
  ...("from" in step ? [step.from] : []),
  ...("aside" in step ? [step.aside] : []),
];

const staysInside = (path: string): boolean => path.split("/").every((name) => name !== "" && name !== "." && name !== "..");

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
