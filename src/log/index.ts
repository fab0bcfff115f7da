/**
 * Append-only logs: many writers, one sync for many records, readers without locks.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @packageDocumentation
 */
export { type AppendResult, Log, openLog } from "./log.ts";
export type { OpenLogOptions, ReadLogOptions } from "./options.ts";
export type { LogRecord } from "./read.ts";
export type { Truncated } from "./truncate.ts";
