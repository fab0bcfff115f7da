/** The files of a checkpoint: `docs/format/checkpoint.md`. */
import { createHash } from "node:crypto";

export const CHECKPOINT_LOCK_NAME = "checkpoint.lock";
/** The version of this format. A reader of version n reads all before it. */
const FORMAT = 1;

/** What the files of a checkpoint are called. `damaged`: a generation that was moved aside; its number is never given again. */
export type CheckpointPart = "damaged" | "generation" | "part";

const NAME = /^(generation|damaged|part)-(\d{12,16})(?:-(\d{1,6}))?$/;
const DIGITS = 12;

/** The name of a generation, or of one that was moved aside. */
export const checkpointName = (part: Exclude<CheckpointPart, "part">, generation: number): string =>
  `${part}-${String(generation).padStart(DIGITS, "0")}`;

/** The name of a part of a generation. */
export const partName = (generation: number, index: number): string =>
  `part-${String(generation).padStart(DIGITS, "0")}-${index}`;

/** What a name says; undefined: it is none of ours. */
export function parseCheckpointName(name: string): { readonly part: CheckpointPart; readonly generation: number } | undefined {
  const [, part, digits, index] = NAME.exec(name) ?? [];
  if (part === undefined || (part === "part") !== (index !== undefined)) return undefined;
  const generation = Number(digits);
  return Number.isSafeInteger(generation) && generation > 0 ? { part: part as CheckpointPart, generation } : undefined;
}

/** How far a job is. */
export interface Progress {
  /** Items that are done. */
  readonly done: number;
  /** Items in all, where that is known. */
  readonly total?: number | undefined;
}

/** A file that belongs to a generation. */
export interface Member {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What a generation says of itself. */
export interface Header {
  readonly generation: number;
  /** `cleared`: from here on there is no state. */
  readonly kind: "cleared" | "state";
  /** When it was saved, and when the first state of its job was: ISO 8601. */
  readonly savedAt: string;
  readonly startedAt: string;
  /** The generation of which it is a copy. */
  readonly copyOf?: number | undefined;
  /** The generation of an older version that its state was migrated from. */
  readonly original?: number | undefined;
  /** The caller's own version of the state. */
  readonly version: number;
  readonly progress?: Progress | undefined;
  /** What the job depends on, by the caller. */
  readonly fingerprint?: unknown;
  readonly codec: string;
  readonly members?: readonly Member[] | undefined;
}

const MAGIC = '{"holdfast":"checkpoint","format":';
const STATE = ',"state":\n';
const TAIL = /^,"sha256":"([0-9a-f]{64})"\}\n$/;
const TAIL_BYTES = 78;

/** The beginning of a generation; the state follows, then {@link closeState} and {@link tailLine}. */
export function headLine(header: Header): string {
  return `${MAGIC}${FORMAT},${JSON.stringify(header).slice(1, -1)}${STATE}`;
}

/** What is between the state and the last line. */
export const closeState = "\n";

/** The last line, with the digest of all lines before it. */
export const tailLine = (sha256: string): string => `,"sha256":"${sha256}"}\n`;

/** Why a generation can't be used. */
export interface Flaw {
  readonly cause: "digest" | "foreign" | "header" | "truncated";
  readonly what: string;
}

/** A generation as it is on disk. */
export type Decoded =
  | { readonly header: Header; readonly state: Uint8Array }
  | { readonly flaw: Flaw }
  | { readonly tooNew: number };

/**
 * What the file of a generation says, checked as a whole. Every version of the format begins with the same words and ends with a
 * line with the digest of all before it: what has another version and the right digest is newer, anything else is damage.
 */
export function decodeGeneration(bytes: Uint8Array, generation: number): Decoded {
  if (bytes.length === 0) return flaw("truncated", "it is empty");
  if (bytes[0] === 0) return flaw("truncated", "it begins with zeros");
  const start = ascii(bytes.subarray(0, MAGIC.length));
  if (start !== MAGIC.slice(0, start.length)) return flaw("foreign", "it is no generation of a checkpoint");
  const body = bytes.subarray(0, Math.max(0, bytes.length - TAIL_BYTES));
  const [, digest] = TAIL.exec(ascii(bytes.subarray(body.length))) ?? [];
  if (digest === undefined) return flaw("truncated", "its end is missing or damaged");
  if (digest !== createHash("sha256").update(body).digest("hex")) return flaw("digest", "its digest is not that of its content");
  const parsed = parseHead(body);
  if (parsed === undefined) return flaw("header", "its first line can't be read");
  if ("tooNew" in parsed) return parsed;
  if (parsed.header.generation !== generation) return flaw("header", `it says that it is generation ${parsed.header.generation}`);
  return { header: parsed.header, state: body.subarray(parsed.stateAt, body.length - closeState.length) };
}

const flaw = (cause: Flaw["cause"], what: string): Decoded => ({ flaw: { cause, what } });
const ascii = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** What the first line says, unchecked; undefined: it is none, or cut. */
export function parseHead(
  bytes: Uint8Array,
): { readonly header: Header; readonly stateAt: number } | { readonly tooNew: number } | undefined {
  const lineEnd = bytes.indexOf(0x0a);
  if (lineEnd < 0) return undefined;
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, lineEnd + 1).toString("utf8");
  const format = Number(/^(\d{1,9}),/.exec(line.slice(MAGIC.length))?.[1]);
  if (!line.startsWith(MAGIC) || !Number.isSafeInteger(format) || format < 1) return undefined;
  if (format > FORMAT) return { tooNew: format };
  if (!line.endsWith(STATE)) return undefined;
  const header = parsed(`${line.slice(0, -STATE.length)}}`);
  return header && { header, stateAt: lineEnd + 1 };
}

function parsed(text: string): Header | undefined {
  try {
    const { holdfast: _magic, format: _format, ...header } = JSON.parse(text) as Header & Record<"format" | "holdfast", unknown>;
    const { generation, kind, savedAt, startedAt, version, codec } = header;
    const whole = Number.isSafeInteger(generation) && Number.isSafeInteger(version) && (kind === "cleared" || kind === "state");
    return whole && [savedAt, startedAt, codec].every((one) => typeof one === "string") ? header : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
