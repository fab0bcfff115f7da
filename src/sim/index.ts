export { onDisk, SimDisk } from "./disk.ts";
export { type FaultReport, type FaultSweepOptions, faultSweep } from "./fault-sweep.ts";
export type { Fault } from "./faults.ts";
export type { SimDiskOptions } from "./platform.ts";
export type { SweepReport } from "./report.ts";
export { SABOTAGE_NAMES } from "./sabotage.ts";
export type { CrashState, SweepOptions } from "./scenario.ts";
export { sweep } from "./sweep.ts";
