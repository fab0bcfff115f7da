/** The bytes of one generation, made while they are written. */
import { createHash } from "node:crypto";
import { closeState, type Header, headLine, tailLine } from "../format/checkpoint.ts";
import { GATHER_BYTES } from "../util/limits.ts";
import type { Encoded } from "./codec.ts";

/** Letters of a long text that become bytes at once. */
const PIECE_LETTERS = 1 << 20;

/** What a file of this header and this state contains. Only what comes in pieces is encoded piece by piece. */
export function generationContent(header: Header, state: Encoded): AsyncIterable<Uint8Array> | Iterable<Uint8Array> | Uint8Array {
  const head = headLine(header);
  if ((typeof state === "string" || state instanceof Uint8Array) && state.length < GATHER_BYTES) return whole(head, state);
  if (typeof state === "object" && Symbol.asyncIterator in state) return piecesLater(head, state);
  return pieces(head, typeof state === "string" ? cut(state) : state instanceof Uint8Array ? [state] : state);
}

function whole(head: string, state: Uint8Array | string): Uint8Array {
  const body = Buffer.concat([bytesOf(head), bytesOf(state), bytesOf(closeState)]);
  return Buffer.concat([body, bytesOf(tailLine(createHash("sha256").update(body).digest("hex")))]);
}

function* pieces(head: string, state: Iterable<Uint8Array | string>): Generator<Uint8Array> {
  const hash = createHash("sha256");
  for (const piece of joined(head, state)) {
    hash.update(piece);
    yield piece;
  }
  yield bytesOf(tailLine(hash.digest("hex")));
}

function* joined(head: string, state: Iterable<Uint8Array | string>): Generator<Uint8Array> {
  yield bytesOf(head);
  for (const piece of state) yield bytesOf(piece);
  yield bytesOf(closeState);
}

async function* piecesLater(head: string, state: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  const add = (piece: Uint8Array | string): Uint8Array => {
    const bytes = bytesOf(piece);
    hash.update(bytes);
    return bytes;
  };
  yield add(head);
  for await (const piece of state) yield add(piece);
  yield add(closeState);
  yield bytesOf(tailLine(hash.digest("hex")));
}

/** Pieces of a text, none of which ends between the two halves of one letter. */
function* cut(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + PIECE_LETTERS, text.length);
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
    yield text.slice(at, end);
    at = end;
  }
}

function bytesOf(piece: Uint8Array | string): Uint8Array {
  if (typeof piece === "string") return Buffer.from(piece);
  if (piece instanceof Uint8Array) return piece;
  throw new TypeError("a codec must encode to strings or Uint8Arrays, or an iterable of these");
}
