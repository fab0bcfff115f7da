/**
 * The fault sweep: makes every request of a scenario fail, in every way, and compares what the error says with the disk.
 */
import * as nodePath from "node:path";
import type { Durability } from "../core/prepare.ts";
import { isHoldfastError } from "../errors.ts";
import { parseOurName } from "../format/names.ts";
import type { Op } from "../io/io.ts";
import { turn } from "../io/turns.ts";
import { digestValue } from "./digest.ts";
import { SimDisk } from "./disk.ts";
import type { Fault } from "./faults.ts";
import { stepLine, volumeLines, withShortNames } from "./lines.ts";
import type { SimDiskOptions } from "./platform.ts";
import { prepared } from "./prepared.ts";
import { SimProcess } from "./process.ts";

/** A scenario for {@link faultSweep}: one unit of work that is done or not done. */
export interface FaultSweepOptions {
  /** Makes what is there before. */
  readonly setup?: ((disk: SimDisk) => unknown) | undefined;
  /** The unit. Rejects with a `HoldfastError` whose `outcome` is true. */
  readonly run: () => unknown;
  /** What a reader sees of the unit: one value before it, another after it. */
  readonly observe: (disk: SimDisk) => unknown;
  /** What the next start of the program does before anybody looks, where a commit may have to be finished. */
  readonly recover?: (() => unknown) | undefined;
  /** What a power loss may do to the unit: see the option of `writeFile`. Default `"durable"`. */
  readonly durability?: Durability | undefined;
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
  /** All this for people, with one violation told in full. */
  readonly text: string;
}

/** Errors that a request is made to fail with. EIO first: it is the one that says nothing about what was done. */
const ERRNOS: Partial<Record<Op, readonly string[]>> = {
  open: ["EIO", "EMFILE", "EACCES"],
  write: ["EIO", "ENOSPC", "short"],
  rename: ["EIO", "ENOSPC", "EXDEV"],
  exchange: ["EIO", "ENOSPC", "EXDEV"],
  link: ["EIO", "EPERM", "ENOSPC"],
  makeDir: ["EIO", "ENOSPC"],
  setMode: ["EIO", "EPERM"],
  setOwner: ["EIO", "EPERM"],
};
/** What nobody needs once the unit has ended. What is in quarantine, somebody may. */
const STAGED: ReadonlySet<string> = new Set(["aside", "dir", "journal", "life", "out", "stage"]);
/** Violations told in one line each. */
const SHOWN = 20;
/** Requests after whose failure it matters whether they did their work. */
const CHANGES: ReadonlySet<Op> = new Set([
  "exchange",
  "link",
  "makeDir",
  "open",
  "removeDir",
  "rename",
  "setMode",
  "setOwner",
  "setTime",
  "syncData",
  "syncDir",
  "syncFile",
  "truncate",
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
  const observer = new Observer(options);
  const before = await attempt(options, observer, undefined, false);
  const normal = await attempt(options, observer, undefined, true);
  if (normal.error !== undefined) throw normal.error;
  const failed: { readonly lies: number; readonly summary: string; readonly text: string }[] = [];
  let cases = 0;
  for (const fault of faultsOf(normal.ops)) {
    cases++;
    const result = await attempt(options, observer, fault, true);
    const lies = await untrue(result, [before.recovered.seen, normal.recovered.seen], options, observer);
    if (fault.errno === "short" && result.error !== undefined)
      lies.push("a short write is no failure: the rest has to be written");
    const broken = [...lies, ...leaks(result, fault, options)];
    if (broken.length === 0) continue;
    const summary = `${describeFault(fault)}: ${broken.join("; ")}`;
    failed.push({ lies: lies.length, summary, text: tell(summary, result) });
  }
  // What is untrue is worse than what is left.
  const [worst] = [...failed].sort((a, b) => b.lies - a.lies);
  const counts = `${cases} faults in ${normal.ops.length} requests`;
  const more = failed.length > SHOWN ? [`... and ${failed.length - SHOWN} more`] : [];
  const list = [...failed.slice(0, SHOWN).map(({ summary }) => summary), ...more].map((line) => `  ${line}`);
  const lines = [`${failed.length} faults break a promise: ${counts}.`, ...list, "", `One of them, ${worst?.text}`];
  const text = worst ? withShortNames(lines.join("\n")) : `No promise was broken: ${counts}.`;
  return { requests: normal.ops.length, cases, violations: failed.length, text };
}

/** What is observed before and after. */
type States = readonly [old: string, changed: string];

interface Attempt {
  readonly disk: SimDisk;
  readonly recovered: Recovered;
  readonly ops: readonly Op[];
  readonly error: unknown;
  readonly openCount: number;
}

async function attempt(
  options: FaultSweepOptions,
  observer: Observer,
  fault: Fault | undefined,
  runs: boolean,
): Promise<Attempt> {
  const { run } = options;
  const disk = await prepared(options);
  const process = new SimProcess(disk.kernel, { name: "run", faults: fault ? [fault] : [] });
  let error: unknown;
  try {
    if (runs) await process.run(async () => run());
  } catch (thrown) {
    error = thrown ?? new TypeError("nothing was thrown");
  }
  await turn();
  const ops = disk.kernel.log.steps.map(({ op }) => op as Op);
  const { openCount } = process;
  process.kill();
  return { disk, ops, error, openCount, recovered: await observer.recovered(disk) };
}

/** A disk as the next start leaves it, and what is seen of it then. */
interface Recovered {
  readonly disk: SimDisk;
  readonly seen: string;
}

/** Looks at disks; at those that are equal once, as most faults leave one of a few. */
class Observer {
  readonly #options: FaultSweepOptions;
  readonly #known = new Map<string, Recovered>();

  constructor(options: FaultSweepOptions) {
    this.#options = options;
  }

  /** Without what the next start does. */
  seen(disk: SimDisk): string {
    return digestValue(this.#options.observe(disk));
  }

  async recovered(disk: SimDisk): Promise<Recovered> {
    const { kernel } = disk;
    const key = kernel.volume.fingerprint();
    const known = this.#known.get(key);
    if (known) return known;
    const { recover } = this.#options;
    const next = recover ? new SimDisk(kernel.options, kernel.restarted(kernel.volume.clone())) : disk;
    if (recover) await next.process().run(async () => recover());
    const result = { disk: next, seen: this.seen(next) };
    this.#known.set(key, result);
    return result;
  }
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

/** Where the error, or the success, says something else than the disk. */
async function untrue(
  { disk, error, recovered }: Attempt,
  [old, changed]: States,
  { durability = "durable" }: FaultSweepOptions,
  observer: Observer,
): Promise<string[]> {
  const outcome = error === undefined ? "committed" : isHoldfastError(error) ? error.outcome : undefined;
  if (outcome === undefined) return [`it rejects with something else than a HoldfastError: ${String(error)}`];
  const said = error === undefined ? "it succeeds" : `the error says "${outcome}"`;
  const allowed = { committed: [changed], unchanged: [old], unknown: [old, changed] }[outcome];
  const afterLoss = outcome === "committed" && durability === "atomic" ? [old, changed] : allowed;
  const nameOf = (state: string): string => (state === old ? "old" : state === changed ? "new" : "wrong");
  // What is certain shows at once; what is not may need the next start to be one of the two.
  const seen = outcome === "unknown" ? recovered.seen : observer.seen(disk);
  if (!allowed.includes(seen)) return [`${said}, but a reader sees the ${nameOf(seen)} state`];
  if (durability === "volatile") return [];
  for (const state of disk.powerLossStates()) {
    const { seen: found } = await observer.recovered(state);
    if (!afterLoss.includes(found)) return [`${said}, but after power loss a reader can see the ${nameOf(found)} state`];
  }
  return [];
}

/** What is left behind. */
function leaks(
  { disk, recovered, openCount, ops }: Attempt,
  { nth = 1, times }: Fault,
  { recover }: FaultSweepOptions,
): string[] {
  const left = Object.keys(recovered.disk.tree()).filter((path) => STAGED.has(parseOurName(nodePath.basename(path))?.part ?? ""));
  const failed = ops[nth - 1];
  const removalFailed =
    recover === undefined &&
    (times === Number.POSITIVE_INFINITY ||
      failed === "unlink" ||
      failed === "removeDir" ||
      failed === "list" ||
      failed === "search");
  return [
    ...(openCount > 0 ? [`files stay open: ${disk.openPaths().join(", ")}`] : []),
    ...(left.length > 0 && !removalFailed ? [`something staged is left: ${left.join(", ")}`] : []),
  ];
}

function describeFault({ op, nth = 1, errno, applied, times }: Fault): string {
  const which = op === undefined ? `request ${nth}` : `${op} number ${nth}`;
  const how = errno === "short" ? "writes half" : `fails with ${errno}`;
  return `${which} ${how}${applied ? ", after it did its work" : ""}${times ? ", and so do all later ones" : ""}`;
}

function tell(summary: string, { disk, error }: Attempt): string {
  const lines = [
    summary,
    ...(error === undefined ? [] : [`  error: ${error instanceof Error ? error.message : String(error)}`]),
    "",
    ...disk.kernel.log.steps.map(stepLine),
    "",
    "The disk then:",
    ...volumeLines(disk.kernel.volume),
  ];
  return lines.join("\n");
}
