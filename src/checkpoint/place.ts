/** What is known of a checkpoint that is open. */
import type { Durability } from "../core/prepare.ts";
import { never } from "../io/abort.ts";
import type { Machine } from "../io/io.ts";
import type { Program } from "../io/program.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
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

/** Runs a program on the machine of the checkpoint, once there is a place for one more. */
export function perform<T>({ machine }: Pick<Place<unknown>, "machine">, program: Program<T>): Promise<T> {
  return slotsOf(machine).programs.use(never, () => run(program, machine.io));
}
