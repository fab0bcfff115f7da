/**
 * What a run of the tier has shown, as it is kept in `.results/kill.json`, from which docs/GUARANTEES.md can be made:
 *
 * ```text
 * {
 *   "tier": "kill", "node": "v20.20.2", "system": "Linux 6.18", "fileSystem": "ext4", "form": "short" | "long", "seconds": 120,
 *   "operations": [{ "operation": "writeFile", "calls": 24, "kills": 24, "faults": 146, "violations": [] }, ...],
 *   "storm": { "seed": 1, "kills": 200, "written": 700, "inside": 140, "violations": [] },
 *   "controls": [{ "control": "a write in place", "found": true }, ...],
 *   "passed": 25, "failed": 0, "skipped": 0, "skips": []
 * }
 * ```
 *
 * `calls`: system calls that touch the disk when nothing happens; `kills` and `faults`: runs in which one of them was met;
 * `violations`: what was untrue, for people, empty if all holds. Written by whole runs only, not by those of some operations.
 */
import fs from "node:fs";
import path from "node:path";
import type { StormResult } from "../../support/storm.ts";
import type { Swept } from "./sweep.ts";

const SHOWN = 12;

export interface Report {
  readonly tier: "kill";
  readonly node: string;
  readonly system: string;
  readonly fileSystem: string;
  readonly form: "long" | "short";
  seconds: number;
  readonly operations: Swept[];
  storm: (StormResult & { readonly seed: number }) | undefined;
  readonly controls: { readonly control: string; readonly found: boolean }[];
  passed: number;
  failed: number;
  skipped: number;
  /** Why something was skipped. */
  readonly skips: string[];
}

/** Counts one check, and tells of it in a line; of what is untrue, the first few. */
export function tell(report: Report, name: string, facts: string, violations: readonly string[]): void {
  report[violations.length === 0 ? "passed" : "failed"]++;
  console.log(`${violations.length === 0 ? "ok    " : "FAILED"} ${name}: ${facts}`);
  for (const violation of violations.slice(0, SHOWN)) console.log(`         ${violation}`);
  if (violations.length > SHOWN) console.log(`         ... and ${violations.length - SHOWN} more`);
}

export function skip(report: Report, name: string, count: number, reason: string): void {
  report.skipped += count;
  report.skips.push(`${name}: ${reason}`);
  console.log(`skipped ${name}: ${reason}`);
}

export function keep(report: Report, file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}
