/** Requests and contents as text, for people. */
import type { Call, File } from "../io/io.ts";
import { withSlashes } from "./lookup.ts";

/** A request: the path it is about, and all that tells it from others. */
export function printCall(
  { op, args }: Call,
  pathOf: (file: File) => string | undefined,
): { path: string | undefined; text: string } {
  const [first, second, third] = args as readonly unknown[];
  const path =
    typeof first === "string"
      ? withSlashes(first)
      : typeof first === "number" && op !== "sleep" && op !== "random"
        ? pathOf(first as File)
        : undefined;
  const more = (): string => {
    switch (op) {
      case "open":
        return `, ${String(second)}`;
      case "rename":
      case "link":
      case "exchange":
        return ` ${op === "exchange" ? "<->" : "->"} ${withSlashes(String(second))}`;
      case "write":
      case "read":
        return `, ${count((second as Uint8Array).length)} at ${String(third)}`;
      case "truncate":
        return `, ${count(Number(second))}`;
      case "setMode":
        return `, ${(second as number).toString(8)}`;
      case "setOwner":
      case "tryLock":
        return `, ${[second, third].filter((value) => value !== undefined).join(":")}`;
      case "sleep":
        return `${String(first)} ms`;
      default:
        return "";
    }
  };
  return { path, text: `${path ?? ""}${more()}` };
}

const count = (bytes: number): string => (bytes === 1 ? "1 byte" : `${bytes} bytes`);

/** A reply, where it tells something. */
export function printReply({ op, args }: Call, reply: unknown): string {
  switch (op) {
    case "open":
      return `file ${String(reply)}`;
    case "read":
    case "write":
      return reply === (args[1] as Uint8Array).length ? "" : count(Number(reply));
    case "lstat":
    case "stat":
      return reply === undefined ? "absent" : "there";
    case "list":
    case "search":
      return `${(reply as readonly unknown[]).length} names`;
    case "realPath":
    case "readLink":
    case "exchange":
    case "syncDir":
    case "tryLock":
      return reply === true ? "" : String(reply);
    default:
      return "";
  }
}

const SHOWN_RUNS = 6;
const SHOWN_LETTERS = 60;

/** Content as a person wants to see it: text as text, long runs of one byte counted. */
export function printContent(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty";
  const runs: string[] = [];
  for (let at = 0; at < bytes.length && runs.length < SHOWN_RUNS; ) {
    let end = at + 1;
    while (end < bytes.length && bytes[end] === bytes[at]) end++;
    if (end - at > 3 || bytes[at] === 0) runs.push(`${end - at} x ${printByte(bytes[at] ?? 0)}`);
    else {
      end = endOfText(bytes, at);
      runs.push(JSON.stringify(String.fromCharCode(...bytes.subarray(at, end))));
    }
    at = end;
    if (runs.length === SHOWN_RUNS && at < bytes.length) runs.push("...");
  }
  return `${count(bytes.length)}: ${runs.join(", ")}`;
}

function printByte(byte: number): string {
  if (byte === 0) return "NUL";
  return byte > 32 && byte < 127 ? `'${String.fromCharCode(byte)}'` : `0x${byte.toString(16)}`;
}

/** Up to the next run of more than three equal bytes, or of NUL, or to where it gets long. */
function endOfText(bytes: Uint8Array, from: number): number {
  let end = from;
  const isRun = (at: number): boolean => bytes[at] === 0 || [1, 2, 3].every((next) => bytes[at + next] === bytes[at]);
  while (end < bytes.length && end - from < SHOWN_LETTERS && (end === from || !isRun(end))) end++;
  return end;
}
