/** All runs of one scenario: undisturbed, killed at each call, and with each call failing in each way. */
import fs from "node:fs";
import { compareRequests } from "./requests.ts";
import type { Scenario } from "./scenario.ts";
import { type Point, type Run, Session } from "./session.ts";
import { type Disturbance, type Fault, listing, UNDISTURBED, violationsOf } from "./verdict.ts";

/** What one scenario's runs have shown. */
export interface Swept {
  readonly operation: string;
  /** Calls of an undisturbed run that touch the disk. */
  readonly calls: number;
  readonly kills: number;
  readonly faults: number;
  readonly violations: readonly string[];
}

/** Whether each call fails once, or from then on for ever. */
export type Extent = "for ever" | "once";

const ERRNOS = ["EIO", "ENOSPC", "EDQUOT", "EMFILE", "EXDEV", "EINTR"] as const satisfies readonly Fault[];
/** A call may be made in another order next time, as two threads make them; then it is tried again. */
const ATTEMPTS = 3;

/** How a sweep is made. */
export interface SweepOptions {
  readonly extents: readonly Extent[];
  /** Called for each run, with how many there will be. */
  readonly progress: (done: number, total: number) => void;
  /** Ends the sweep at the first violation that it finds. */
  readonly until?: RegExp;
}

/** Sweeps `scenario` in `dir`, which it makes and removes. */
export async function sweep(scenario: Scenario, dir: string, options: SweepOptions): Promise<Swept> {
  const session = new Session(scenario, dir);
  try {
    return await sweepIn(session, scenario, options);
  } finally {
    await session.close();
  }
}

async function sweepIn(session: Session, scenario: Scenario, { extents, progress, until }: SweepOptions): Promise<Swept> {
  const { before, run, points, requests } = await session.record();
  const after = listing(run.dir);
  const expected = new Set([...before, ...after]);
  const violations = [
    ...compareRequests(requests, points, run.dir),
    ...after.filter((name) => name.includes(".holdfast-")).map((name) => `left behind: ${name}`),
    ...(await violationsOf(scenario, run, UNDISTURBED, expected)),
  ];
  const ways = [
    ...points.map((point) => wayOf(point, undefined, "once")),
    ...extents.flatMap((extent) =>
      points.flatMap((point) => faultsOf(point, extent).map((fault) => wayOf(point, fault, extent))),
    ),
  ];
  const counts = { kills: 0, faults: 0 };
  for (const [done, way] of ways.entries()) {
    if (until && violations.some((violation) => until.test(violation))) break;
    progress(done, ways.length);
    if (ways[done + 1]?.fault === undefined) session.startNext();
    const disturbed = await meet(session, way);
    if (disturbed) {
      violations.push(...(await violationsOf(scenario, disturbed, way, expected)));
      fs.rmSync(disturbed.dir, { recursive: true });
      counts[way.fault ? "faults" : "kills"]++;
    } else violations.push(`${way.text}: the call was not met in ${ATTEMPTS} runs`);
  }
  return { operation: scenario.name, calls: points.length, ...counts, violations };
}

/** One disturbance and how strace makes it. */
interface Way extends Disturbance {
  readonly point: Point;
  readonly inject: string;
}

async function meet(session: Session, { point, inject }: Way): Promise<Run | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const run = await session.disturbed(point, inject);
    if (run.hit) return run;
    fs.rmSync(run.dir, { recursive: true });
  }
  return undefined;
}

/**
 * How a call fails. For ever, EINTR would be an endless loop in libuv, and a close that is not made an endless leak.
 */
function faultsOf(point: Point, extent: Extent): Fault[] {
  if (extent === "for ever") return point.name === "close" ? [] : ERRNOS.filter((errno) => errno !== "EINTR");
  if (point.name !== "pwrite64") return [...ERRNOS];
  return [...ERRNOS, "empty", ...(nulBytesOf(point) > 0 ? (["short"] as const) : [])];
}

/**
 * In the words of strace. A call that it makes to fail is not made at all. So a short write writes nothing, and says that it
 * wrote some of the NULs with which it begins: the hole that it leaves reads the same. Before we hear of it, libuv writes the
 * rest (uv__fs_write_all); a write of nothing it hands on.
 */
function wayOf(point: Point, fault: Fault | undefined, extent: Extent): Way {
  const when = `when=${point.nth}${extent === "once" ? "" : "+"}`;
  const what = {
    short: `retval=${Math.ceil(nulBytesOf(point) / 2)}`,
    empty: "retval=0",
  };
  const inject = fault === undefined ? "signal=KILL" : fault in what ? what[fault as keyof typeof what] : `error=${fault}`;
  const text = fault === undefined ? `killed at ${describe(point)}` : `${fault} ${extent} at ${describe(point)}`;
  return { point, inject: `${inject}:${when}`, text, call: point.name, fault };
}

/** How many NULs a write begins with, as strace shows them. */
function nulBytesOf({ text }: Point): number {
  const [, nuls = ""] = /^[^"]*"((?:\\0(?:00)?)*)/.exec(text) ?? [];
  return nuls.split("\\").length - 1;
}

function describe({ name, text, nth, thread }: Point): string {
  const args = text.replace(/\) += .*| <unfinished .*/, "").replace(/(\\0)+/g, "\\0");
  return `${name}(${args.length > 80 ? `${args.slice(0, 80)}...` : args}) [${name} ${nth} of ${thread}]`;
}
