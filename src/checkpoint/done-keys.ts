/** The keys of a job that are done, in any order, in little memory and few bytes a save. */
import { createHash } from "node:crypto";
import type { Member } from "../format/checkpoint.ts";
import { DONE_KEYS_RECENT } from "../util/limits.ts";

/** What tells one item from all others. A number and its text are two keys. */
export type Key = number | string;

/** So much of a SHA-256 stands for a key: two of 2^40 keys are the same by chance once in 2^49 jobs. */
const DIGEST_BYTES = 16;

/** Digests of keys, sorted, one behind the other: immutable, so that its file is written once. */
interface Chunk {
  readonly digests: Buffer;
  member: Member | undefined;
}

/**
 * A set of keys. The newest are kept as they are, and are in each save; so many of them become a chunk of digests, which has a
 * file of its own. Chunks of like size become one (as in Bentley and Saxe 1980), so there are few, and each digest is written a
 * number of times that grows with the logarithm of the whole.
 */
export class DoneKeys {
  #recent = new Map<string, Key>();
  readonly #chunks: Chunk[] = [];

  has(key: Key): boolean {
    const text = textOf(key);
    if (this.#recent.has(text)) return true;
    if (this.#chunks.length === 0) return false;
    const digest = digestOf(text);
    return this.#chunks.some(({ digests }) => indexOf(digests, digest) >= 0);
  }

  add(key: Key): void {
    this.#recent.set(textOf(key), key);
    if (this.#recent.size >= DONE_KEYS_RECENT) this.#seal();
  }

  /** The keys that are in no chunk. */
  recent(): readonly Key[] {
    return [...this.#recent.values()];
  }

  /** The files of all chunks; `write` makes those that there are not yet. */
  async members(write: (content: Uint8Array) => Promise<Member>): Promise<readonly Member[]> {
    const members: Member[] = [];
    for (const chunk of [...this.#chunks]) {
      chunk.member ??= await write(chunk.digests);
      members.push(chunk.member);
    }
    return members;
  }

  /** Takes over what was saved. */
  restore(recent: readonly Key[], members: readonly Member[], contents: readonly Uint8Array[]): void {
    for (const [index, content] of contents.entries())
      this.#chunks.push({
        digests: Buffer.from(content.buffer, content.byteOffset, content.length),
        member: members[index],
      });
    for (const key of recent) this.add(key);
  }

  #seal(): void {
    const digests = [...this.#recent.keys()].map(digestOf).sort(Buffer.compare);
    this.#recent = new Map();
    let sealed: Buffer = Buffer.concat(digests);
    for (let last = this.#chunks.at(-1); last && last.digests.length <= sealed.length; last = this.#chunks.at(-1)) {
      sealed = merged(last.digests, sealed);
      this.#chunks.pop();
    }
    this.#chunks.push({ digests: sealed, member: undefined });
  }
}

const textOf = (key: Key): string => JSON.stringify(key);
const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest().subarray(0, DIGEST_BYTES);

function indexOf(digests: Buffer, digest: Buffer): number {
  let [low, high] = [0, digests.length / DIGEST_BYTES - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = middle * DIGEST_BYTES;
    const order = digests.compare(digest, 0, DIGEST_BYTES, at, at + DIGEST_BYTES);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function merged(one: Buffer, other: Buffer): Buffer {
  const all = Buffer.alloc(one.length + other.length);
  let [i, j] = [0, 0];
  for (let at = 0; at < all.length; at += DIGEST_BYTES) {
    const fromOne = j >= other.length || (i < one.length && one.compare(other, j, j + DIGEST_BYTES, i, i + DIGEST_BYTES) <= 0);
    if (fromOne) i += one.copy(all, at, i, i + DIGEST_BYTES);
    else j += other.copy(all, at, j, j + DIGEST_BYTES);
  }
  return all;
}
