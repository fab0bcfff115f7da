/**
 * The fault sweep: makes every request of a scenario fail, in every way, and compares what the error says with the disk.
 */
import { isHoldfastError, type Outcome } from "../errors.ts";
import { isStageName } from "../format/names.ts";
import { withMachine } from "../io/current.ts";
import type { Op } from "../io/io.ts";
import { turn } from "../io/turns.ts";
import { digestValue } from "./digest.ts";
import { SimDisk } from "./disk.ts";
import type { Fault } from "./faults.ts";
import { stepLine, volumeLines, withShortNames } from "./lines.ts";
import type { SimDiskOptions } from "./platform.ts";
import { SimProcess } from "./process.ts";

/** A scenario for {@link faultSweep}: one unit of work that is done or not done. */
export interface FaultSweepOptions {
  /** Makes what is there before. */
  readonly setup?: ((disk: SimDisk) => unknown) | undefined;
  /** The unit. Rejects with a `HoldfastError` whose `outcome` is true. */
  readonly run: () => unknown;
  /** What a reader sees of the unit: one value before it, another after it. */
  readonly observe: (disk: SimDisk) => unknown;
  /** False: what is committed may be lost with power (durability `"atomic"` or `"volatile"`). Default true. */
  readonly durable?: boolean | undefined;
  readonly disk?: Omit<SimDiskOptions, "seed"> | undefined;
  readonly seed?: number | undefined;
}

/** The result of a fault sweep. */
export interface FaultReport {
  /** Requests of the scenario when nothing fails. */
  readonly requests: number;
  /** Runs of the scenario, each with another fault. */
  readonly cases: number;
  readonly violations: number;
  /** All this for people, with the first violation told in full. */
  readonly text: string;
}

/** Errors that a request is made to fail with. EIO first: it is the one that says nothing about what was done. */
const ERRNOS: Partial<Record<Op, readonly string[]>> = {
  open: ["EIO", "EMFILE", "EACCES"],
  write: ["EIO", "ENOSPC", "short"],
  rename: ["EIO", "ENOSPC", "EXDEV"],
  link: ["EIO", "EPERM", "ENOSPC"],
  makeDir: ["EIO", "ENOSPC"],
  setMode: ["EIO", "EPERM"],
  setOwner: ["EIO", "EPERM"],
};
/** Requests after whose failure it matters whether they did their work. */
const CHANGES: ReadonlySet<Op> = new Set([
  "link",
  "makeDir",
  "open",
  "rename",
  "setMode",
  "setOwner",
  "syncDir",
  "syncFile",
  "unlink",
  "write",
]);

/**
 * Runs `run` once for each request it makes and each way this request can fail: with or without having done its work, once
 * and for ever. Each time the run may succeed or fail, and then:
 *
 * - after success, or the outcome `committed`, every disk that a power loss could leave shows the new state;
 * - after the outcome `unchanged`, each shows the old state; after `unknown`, each shows one of the two;
 * - no descriptor is open, and no staged file is left unless its removal was what failed.
 *
 * Experimental: it may change in any release before 1.0.
 */
export async function faultSweep(options: FaultSweepOptions): Promise<FaultReport> {
  const before = await attempt(options, undefined, false);
  const normal = await attempt(options, undefined, true);
  if (normal.error !== undefined) throw normal.error;
  const [old, changed] = [before.seen, normal.seen];
  const failed: string[] = [];
  let cases = 0;
  for (const fault of faultsOf(normal.ops)) {
    cases++;
    const result = await attempt(options, fault, true);
    const broken = judge(result, old, changed, fault, options);
    if (broken.length > 0) failed.push(tell(fault, broken, result));
  }
  const counts = `${cases} faults in ${normal.ops.length} requests`;
  const text =
    failed.length === 0
      ? `No promise was broken: ${counts}.`
      : `${failed.length} faults break a promise: ${counts}. The first:\n\n${failed[0]}`;
  return { requests: normal.ops.length, cases, violations: failed.length, text };
}

interface Attempt {
  readonly disk: SimDisk;
  readonly ops: readonly Op[];
  readonly seen: string;
  readonly error: unknown;
  readonly openCount: number;
}

async function attempt(
  { setup, run, observe, disk: on, seed = 1 }: FaultSweepOptions,
  fault: Fault | undefined,
  runs: boolean,
): Promise<Attempt> {
  const made = new SimDisk({ ...on, seed });
  await withMachine(made.process(), async () => setup?.(made));
  const disk = new SimDisk(made.kernel.options, made.kernel.restarted(made.kernel.volume));
  const process = new SimProcess(disk.kernel, { name: "run", faults: fault ? [fault] : [] });
  let error: unknown;
  try {
    if (runs) await withMachine(process, async () => run());
  } catch (thrown) {
    error = thrown ?? new TypeError("nothing was thrown");
  }
  await turn();
  const ops = disk.kernel.log.steps.map(({ op }) => op as Op);
  return { disk, ops, seen: digestValue(observe(disk)), error, openCount: process.openCount };
}

function* faultsOf(ops: readonly Op[]): Generator<Fault> {
  for (const [index, op] of ops.entries()) {
    const nth = index + 1;
    for (const errno of ERRNOS[op] ?? ["EIO"]) {
      yield { nth, errno };
      if (CHANGES.has(op) && errno === "EIO") yield { nth, errno, applied: true };
      const nthOfKind = ops.slice(0, nth).filter((one) => one === op).length;
      if (errno !== "short") yield { op, nth: nthOfKind, errno, times: Number.POSITIVE_INFINITY };
    }
  }
}

/** What is wrong, in words. */
function judge(
  result: Attempt,
  old: string,
  changed: string,
  fault: Fault,
  { observe, durable = true }: FaultSweepOptions,
): string[] {
  const { disk, error, openCount, ops } = result;
  const outcome: Outcome | undefined = error === undefined ? "committed" : isHoldfastError(error) ? error.outcome : undefined;
  if (outcome === undefined) return [`it rejects with something else than a HoldfastError: ${String(error)}`];
  const allowed = { committed: [changed], unchanged: [old], unknown: [old, changed] }[outcome];
  const broken: string[] = [];
  const inWords = error === undefined ? "it succeeds" : `the error says "${outcome}"`;
  if (!allowed.includes(result.seen))
    broken.push(`${inWords}, but a reader sees the ${stateName(result.seen, old, changed)} state`);
  const afterLoss = outcome === "committed" && !durable ? [old, changed] : allowed;

  for (const state of disk.powerLossStates()) {
    const seen = digestValue(observe(state));
    if (!afterLoss.includes(seen))
      broken.push(`${inWords}, but after power loss a reader can see the ${stateName(seen, old, changed)} state`);
    if (broken.length > 0) break;
  }
  if (openCount > 0) broken.push(`${openCount} files stay open: ${disk.openPaths().join(", ")}`);
  const left = Object.keys(disk.tree()).filter((path) => isStageName(path.slice(path.lastIndexOf("/") + 1)));
  const removalFailed = fault.times === Number.POSITIVE_INFINITY || ops[(fault.nth ?? 1) - 1] === "unlink";
  if (left.length > 0 && !removalFailed) broken.push(`a staged file is left: ${left.join(", ")}`);
  return broken;
}

const stateName = (seen: string, old: string, changed: string): string =>
  seen === old ? "old" : seen === changed ? "new" : "wrong";

function tell({ op, nth = 1, errno, applied, times }: Fault, broken: readonly string[], { disk, error }: Attempt): string {
  const which = op === undefined ? `Request ${nth}` : `${op} number ${nth}`;
  const how = `${errno === "short" ? "writes half" : `fails with ${errno}`}${applied ? ", after it did its work" : ""}${times ? ", and so do all later ones" : ""}`;
  const lines = [
    `${which} ${how}:`,
    ...broken.map((line) => `  ${line}`),
    ...(error === undefined ? [] : [`  error: ${error instanceof Error ? error.message : String(error)}`]),
    "",
    ...disk.kernel.log.steps.map(stepLine),
    "",
    "The disk then:",
    ...volumeLines(disk.kernel.volume),
  ];
  return withShortNames(lines.join("\n"));
}
