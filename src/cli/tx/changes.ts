/** What `holdfast tx apply` reads: a JSON list of changes, or a tar stream. */
import type { Transaction } from "../../tx/index.ts";
import { readTar } from "./tar.ts";

/** How much was asked for. */
export interface Applied {
  readonly changeCount: number;
}

/** Applies all that `input` has, which tells by its first byte what it is. */
export async function applyChanges(tx: Transaction, input: AsyncIterable<Uint8Array>): Promise<Applied> {
  const chunks = input[Symbol.asyncIterator]();
  const first = await chunks.next();
  const rest = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = first; !chunk.done; chunk = await chunks.next()) yield chunk.value;
  };
  const isJson = !first.done && /^\s*(\[|$)/.test(Buffer.from(first.value.subarray(0, 1024)).toString("latin1"));
  return isJson ? await applyList(tx, rest()) : await applyTar(tx, rest());
}

async function applyTar(tx: Transaction, input: AsyncIterable<Uint8Array>): Promise<Applied> {
  let changeCount = 0;
  for await (const { kind, path, mode, content } of readTar(input)) {
    if (kind === "directory") await tx.makeDirectory(path, { mode });
    else await tx.write(path, content, { mode });
    changeCount++;
  }
  return { changeCount };
}

async function applyList(tx: Transaction, input: AsyncIterable<Uint8Array>): Promise<Applied> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of input) pieces.push(chunk);
  const changes = parse(Buffer.concat(pieces).toString());
  for (const [index, change] of changes.entries()) {
    try {
      await applyOne(tx, change);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
      throw new TypeError(`change ${index}: ${error.message}`, { cause: error });
    }
  }
  return { changeCount: changes.length };
}

function parse(text: string): readonly unknown[] {
  let changes: unknown;
  try {
    changes = JSON.parse(text);
  } catch (error) {
    throw new TypeError(`the input is no valid JSON: ${(error as Error).message}`, { cause: error });
  }
  if (Array.isArray(changes)) return changes;
  throw new TypeError("the input must be a JSON list of changes");
}

/** Unknown keys and wrong values are refused by the operation. */
function applyOne(tx: Transaction, change: unknown): Promise<void> {
  if (typeof change !== "object" || change === null) throw new TypeError("a change must be an object");
  const { write, text, base64, mode, makeDirectory, remove, rename, to, ...options } = change as Record<string, unknown>;
  const given: object = { ...options, ...(mode === undefined ? {} : { mode: modeOf(mode) }) };
  const kinds = [write, makeDirectory, remove, rename].filter((path) => path !== undefined);
  if (kinds.length !== 1) throw new TypeError("a change must have exactly one of write, makeDirectory, remove and rename");
  if (write !== undefined) return tx.write(write as string, contentOf(text, base64), given);
  if (text !== undefined || base64 !== undefined) throw new TypeError("only write has a content");
  if (makeDirectory !== undefined) return tx.makeDirectory(makeDirectory as string, given);
  return remove === undefined ? tx.rename(rename as string, to as string, given) : tx.remove(remove as string, given);
}

function modeOf(mode: unknown): number {
  if (typeof mode === "string" && /^[0-7]{1,4}$/.test(mode)) return Number.parseInt(mode, 8);
  throw new TypeError('mode must be an octal text, such as "644"');
}

function contentOf(text: unknown, base64: unknown): Uint8Array | string {
  if (typeof text === "string" && base64 === undefined) return text;
  if (text === undefined && typeof base64 === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    return Buffer.from(base64, "base64");
  throw new TypeError("write needs its content, as text or as base64");
}
