/** What a sweep found, as numbers and as a text for people. */
import { stepLine, volumeLines, withShortNames } from "./lines.ts";
import type { MicroOp } from "./micro-op.ts";
import type { Crash, Evidence, Violation } from "./violation.ts";
import { ROOT, type Volume } from "./volume.ts";

/** The result of a crash sweep. */
export interface SweepReport {
  readonly profile: string;
  readonly seed: number;
  /** Moments at which a crash was looked at, also inside recoveries. */
  readonly crashPoints: number;
  /** Distinct disks (with what had been acknowledged) that were recovered and checked. */
  readonly states: number;
  /** How many of them broke a promise. */
  readonly violations: number;
  /** The one with the fewest crashes and losses, shrunk to what it needs. */
  readonly smallest: Violation | undefined;
  /** All this for people. For a broken promise: the requests, what was lost at the crash, and what a reader then saw. */
  readonly text: string;
}

/** Adds the text. */
export function crashReport(found: Omit<SweepReport, "smallest" | "text">, smallest: Evidence | undefined): SweepReport {
  const { profile, seed, crashPoints, states, violations } = found;
  const counts = `${states} states from ${crashPoints} crash points, profile ${profile}, seed ${seed}`;
  if (!smallest) return { ...found, smallest, text: `No promise was broken: ${counts}.` };
  const lines = [
    `${violations} crash states break a promise: ${counts}. The smallest:`,
    "",
    `  ${smallest.message.split("\n").join("\n  ")}`,
    ...acknowledgedLines(smallest),
    ...smallest.crashes.flatMap((crash, index) => crashLines(crash, smallest.crashes[index - 1])),
    "",
    "The disk then:",
    ...volumeLines(smallest.found),
    ...recoveryLines(smallest),
    "",
    `To repeat: the same sweep with profile "${profile}" and seed ${seed}.`,
  ];
  return { ...found, smallest, text: withShortNames(lines.join("\n")) };
}

function recoveryLines({ recovery, recovered }: Evidence): string[] {
  if (!recovered) return [];
  return ["", ...recovery.map(stepLine), "", "After this recovery:", ...volumeLines(recovered)];
}

function acknowledgedLines({ acknowledged, finished }: Violation): string[] {
  if (finished && acknowledged.length === 0) return ["  The scenario had ended."];
  if (acknowledged.length === 0) return ["  Nothing had been acknowledged."];
  return [`  Acknowledged before: ${acknowledged.map((value) => JSON.stringify(value) ?? String(value)).join(", ")}`];
}

function crashLines(crash: Crash, previous: Crash | undefined): string[] {
  const { kind, step, lost, kept, log, base } = crash;
  const name = namer(crash, base);
  // A killed system lives on with its record; after a power loss a new one begins.
  const from = previous?.kind === "kill" ? previous.step : 0;
  const before = log.steps.filter(({ number }) => number > from && number <= step);
  return [
    "",
    ...before.map(stepLine),
    `  ------ ${kind} ${moment(crash)}`,
    ...(lost.length > 0
      ? ["Lost in it:", ...lost.map((op) => opLine(op, name))]
      : kind === "kill"
        ? []
        : ["Nothing was lost in it."]),
    ...(lost.length > 0 && kept.length > 0
      ? ["Not lost, although not synced either:", ...kept.map((op) => opLine(op, name))]
      : []),
  ];
}

function moment({ kind, step, cutAfter, also, log }: Crash): string {
  if (also) return `after ${step}, when of what was in flight only ${also.number} was done: ${also.op} ${also.text}`;
  if (cutAfter !== undefined) return `inside ${step}, after block ${cutAfter} of the write`;
  if (!log.steps.some(({ number }) => number >= step)) return "after all this";
  return kind === "kill" || log.acknowledgements.some((one) => one.step === step) ? `after ${step}` : `before ${step} ends`;
}

function opLine(op: MicroOp, name: (inode: number) => string): string {
  const what = (): string => {
    switch (op.kind) {
      case "entry":
        return op.child === undefined
          ? `the name ${op.name} is gone from ${name(op.inode)}`
          : `the name ${op.name} in ${name(op.inode)}`;
      case "size":
        return `the size ${op.sizeBytes} of ${name(op.inode)}`;
      case "block":
        return `${Number.isInteger(op.seq) ? "content" : "what the disk held before"}, block ${op.index}, of ${name(op.inode)}`;
      case "attributes":
        return `mode ${op.attributes.mode.toString(8)}, owner ${op.attributes.userId}:${op.attributes.groupId} of ${name(op.inode)}`;
      case "time":
        return `the time of the last change of ${name(op.inode)}`;
      case "birth":
        return name(op.inode);
    }
  };
  return `  ${String(op.step).padStart(4)}  ${what()}`;
}

/** The first path of each inode. */
function namer({ log }: Crash, base: Volume): (inode: number) => string {
  const names = new Map<number, string>([[ROOT, "/"]]);
  for (const { path, inode } of base.walk()) names.set(inode.number, path);
  for (const op of log.ops) {
    if (op.kind !== "entry" || op.child === undefined || names.has(op.child)) continue;
    names.set(op.child, `${(names.get(op.inode) ?? "").replace(/\/$/, "")}/${op.name}`);
  }
  return (inode) => names.get(inode) ?? `inode ${inode}`;
}
