/**
 * Checkpoints: the progress of long jobs, which no crash takes and no damage hides.
 *
 * @packageDocumentation
 */
export type { Member, Progress } from "../format/checkpoint.ts";
export type { LockOwner } from "../format/lock-note.ts";
export { Checkpoint } from "./checkpoint.ts";
export { checkpointKind } from "./checkpoint-kind.ts";
export { type Codec, type Encoded, structuredCloneCodec } from "./codec.ts";
export type { FingerprintDifference } from "./differences.ts";
export type { Key } from "./done-keys.ts";
export type { HistoryEntry } from "./history.ts";
export type { Loaded, LoadedState, SetBack } from "./load.ts";
export type { HistoryOptions, OpenCheckpointOptions, SaveOptions } from "./options.ts";
export type { SaveResult } from "./publish.ts";
export type { DamageCause, DamagedGeneration } from "./read.ts";
export { type ItemContext, resumable } from "./resumable.ts";
export type { OnItemError, ResumableOptions, ResumeCounts, ResumeEvent, ResumeResult, SaveEvery } from "./resume-options.ts";
export type { Order } from "./resume-state.ts";
