/** What is known of a checkpoint that is open. */
import type { Durability } from "../core/prepare.ts";
import type { Machine } from "../io/io.ts";
import { KEEP_GENERATIONS } from "../util/limits.ts";
import { absolutePath } from "../util/path.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import { asStored } from "./differences.ts";
import type { OpenCheckpointOptions } from "./options.ts";

/** A checkpoint, its options filled in. */
export interface Place<State> {
  readonly machine: Machine;
  readonly dir: string;
  readonly keep: number;
  readonly durability: Durability;
  readonly version: number;
  readonly codec: Codec<State>;
  readonly fingerprint: unknown;
  /** The file that the job kept before. */
  readonly legacy: string | undefined;
  readonly options: OpenCheckpointOptions<State>;
}

/** The place of these options. */
export function placeOf<State>(machine: Machine, dir: string, options: OpenCheckpointOptions<State>): Place<State> {
  return {
    machine,
    dir,
    keep: options.keep ?? KEEP_GENERATIONS,
    durability: options.durability ?? "durable",
    version: options.version ?? 1,
    codec: options.codec ?? (jsonCodec as Codec<State>),
    fingerprint: asStored(options.fingerprint),
    legacy: options.legacy === undefined ? undefined : absolutePath(options.legacy),
    options,
  };
}
