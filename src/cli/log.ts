/** The words of `holdfast log`: records, a bar while they are read, a table of segments. */
import { isUtf8 } from "node:buffer";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type LogRecord, openLog } from "../log/index.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { bytesText, countText, tableLines } from "./table.ts";

/** Options of `log cat`. */
export interface CatOptions {
  readonly from?: number;
  readonly follow?: boolean;
  readonly separator?: string;
  readonly null?: boolean;
  readonly json?: boolean;
}

/** Records are gathered to pieces of about this size for one write. */
const PIECE_BYTES = 64 * 1024;

/** Prints the records. Whoever reads them decides how fast. */
export async function cat(dir: string, options: CatOptions, signal: AbortSignal): Promise<void> {
  const { from, follow = false, json = false } = options;
  const separator = Buffer.from(options.null ? "\0" : (options.separator ?? "\n"));
  const log = await openLog(dir, { readOnly: true, signal });
  const records = follow ? log.tail({ from, signal }) : log.read({ from, signal });
  const show = json ? jsonLine : ({ bytes }: LogRecord) => Buffer.concat([bytes, separator]);
  const pieces = follow ? oneByOne(records, show) : gathered(records, show);
  await pipeline(Readable.from(pieces, { objectMode: false }), process.stdout, { end: false });
}

type Show = (record: LogRecord) => Buffer;

async function* oneByOne(records: AsyncIterable<LogRecord>, show: Show): AsyncGenerator<Buffer> {
  for await (const record of records) yield show(record);
}

/** What was read before the damage is printed, too. */
async function* gathered(records: AsyncIterable<LogRecord>, show: Show): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let sizeBytes = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const record of records) {
      const piece = show(record);
      pieces.push(piece);
      sizeBytes += piece.length;
      if (sizeBytes < PIECE_BYTES) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      sizeBytes = 0;
    }
  } catch (error) {
    failure = { error };
  }
  yield Buffer.concat(pieces);
  if (failure) throw failure.error;
}

function jsonLine({ position, bytes }: LogRecord): Buffer {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const content = isUtf8(bytes) ? { utf8: text.toString("utf8") } : { base64: text.toString("base64") };
  return Buffer.from(`${JSON.stringify({ position, ...content })}\n`);
}

/** Reads everything, with a bar. */
export async function verify(dir: string, output: Output, signal: AbortSignal): Promise<void> {
  const log = await openLog(dir, { readOnly: true, signal });
  const { countedBytes: total } = await log.stat();
  const progress = new Progress({ label: "reading", format: bytesText, afterMs: 1000, hidden: output.json });
  const onProgress = (done: number): void => progress.update({ done, total });
  const { recordCount, readBytes } = await log.verify({ signal, onProgress }).finally(() => progress.end());
  output.line(`${dir}: ${countText(recordCount)} records in ${bytesText(readBytes)}, no damage`);
  output.result({ type: "log_verified", path: path.resolve(dir), recordCount, readBytes });
}

/** Shows what there is. */
export async function stat(dir: string, output: Output): Promise<void> {
  const log = await openLog(dir, { readOnly: true });
  const { first, next, countedBytes, segments, snapshot } = await log.stat();
  const rows = segments.map(({ name, first, next, sizeBytes, countedBytes }) => [
    name,
    first,
    next,
    bytesText(sizeBytes),
    bytesText(countedBytes),
  ]);
  for (const line of tableLines(["segment", "first", "next", "size", "counts"], rows)) output.line(line);
  output.line();
  const range = next > first ? `, positions ${first} to ${next - 1}` : "";
  output.line(`${countText(next - first)} records${range}; the next is ${next}`);
  output.line(snapshot ? `snapshot at position ${snapshot.position}, ${bytesText(snapshot.sizeBytes)}` : "no snapshot");
  output.result({ type: "log_stat", path: path.resolve(dir), first, next, countedBytes, segments, snapshot: snapshot ?? null });
}
