/**
 * Append-only logs: many writers, one sync for many records, readers without locks.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @packageDocumentation
 */
export type { LogStat, SegmentStat } from "./inspect.ts";
export { type AppendResult, Log, openLog, type Verified } from "./log.ts";
export { logKind } from "./log-kind.ts";
export type { LogSnapshot, SnapshotResult } from "./log-snapshot.ts";
export type { OpenLogOptions, ReadLogOptions, SnapshotOptions, VerifyLogOptions } from "./options.ts";
export type { LogRecord } from "./read.ts";
export type { Truncated } from "./truncate.ts";
