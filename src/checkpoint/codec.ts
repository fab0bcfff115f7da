/** How a state becomes bytes. */
import * as v8 from "node:v8";

/** What a state is encoded to: at once, or in pieces of any size, which are then not in memory all at once. */
export type Encoded = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string> | Uint8Array | string;

/** A way to turn states into bytes and back. Any library for that fits, as it is or in one line. */
export interface Codec<State = unknown> {
  /** Is in each generation. What has another name is not decoded. */
  readonly name: string;
  readonly encode: (state: State) => Encoded;
  /** Throws if the bytes are none of its own. */
  readonly decode: (bytes: Uint8Array) => Promise<State> | State;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** JSON on one line, in a file that is JSON as a whole. */
export const jsonCodec: Codec<unknown> = {
  name: "json",
  encode(state) {
    const text = JSON.stringify(state) as string | undefined;
    if (text === undefined) throw new TypeError(`state must be something JSON has a text for; it is ${typeof state}`);
    return text;
  },
  decode: (bytes) => JSON.parse(decoder.decode(bytes)),
};

/**
 * Node's structured clone: also maps, sets, dates, typed arrays, bigints, cycles. Not for people to read; newer versions of Node
 * read what older ones wrote (v8.deserialize), not always the other way round.
 */
export function structuredCloneCodec<State>(): Codec<State> {
  return { name: "v8", encode: (state) => v8.serialize(state), decode: (bytes) => v8.deserialize(bytes) };
}
