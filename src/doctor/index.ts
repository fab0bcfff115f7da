/**
 * Finds what Holdfast has left on a disk, and repairs it.
 *
 * @packageDocumentation
 */
export type { Finding, FindingState, Repair } from "../core/finding.ts";
export type { LockOwner } from "../format/lock-note.ts";
export { type DiagnoseOptions, type Diagnosis, type DiagnosisProgress, diagnose } from "./diagnose.ts";
