/**
 * Crash and fault simulator: a disk in memory for the tests of your own code, and sweeps over all that a crash, a failing
 * request or another process can do to it.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @packageDocumentation
 */
export { type BuiltinResult, type BuiltinSweep, builtinSweeps, runBuiltinSweeps } from "./builtin.ts";
export { onDisk, SimDisk } from "./disk.ts";
export { type FaultReport, type FaultSweepOptions, faultSweep } from "./fault-sweep.ts";
export type { Fault } from "./faults.ts";
export { type InterleavedState, type InterleaveOptions, type InterleaveReport, interleave } from "./interleave.ts";
export type { SimDiskOptions } from "./platform.ts";
export type { ProcessOptions, SimProcess } from "./process.ts";
export type { SweepReport } from "./report.ts";
export { SABOTAGE_NAMES, type SabotageName } from "./sabotage.ts";
export type { CrashState, Marks, SweepOptions } from "./scenario.ts";
export { sweep } from "./sweep.ts";
export type { CrashPlace, Violation } from "./violation.ts";
