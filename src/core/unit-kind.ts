/** Staged files, and units of more than one file in progress: what they are to the doctor. */
import { isHoldfastError } from "../errors.ts";
import { type JournalRecord, WHOLE } from "../format/journal.ts";
import { type OurName, ourName, type Part, parseOurName } from "../format/names.ts";
import { lstat, type Program } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { refuseDamaged } from "./carry-out.ts";
import type { Finding, Kind, Repaired, Thing } from "./finding.ts";
import { readRecord } from "./journal.ts";
import { measure } from "./measure.ts";
import { ownerOf, probe, type Verdict } from "./probe.ts";
import { quarantineAside, quarantineUnit } from "./quarantine.ts";
import { removeIfDead } from "./sweep.ts";
import { type FoundUnit, type Settled, settleUnit } from "./sweep-units.ts";

/** The parts of a unit, the one that tells most of it first. */
const PARTS = ["journal", "dir", "out", "life", "stage", "aside"] as const satisfies readonly Part[];

type UnitPart = (typeof PARTS)[number];

/** What a thing is whose most telling part is this one. */
const KIND: Readonly<Record<UnitPart, string>> = {
  journal: "interrupted-commit",
  dir: "staged-directory",
  out: "staged-output",
  life: "staged-directory",
  stage: "staged-file",
  aside: "old-directory",
};

/** Staged files and units. */
export const unitKind: Kind = {
  names: /^\.holdfast-(aside|dir|journal|out|stage)-/,
  keyOf: (name) => (isUnitPart(parseOurName(name)) ? parseOurName(name)?.id : undefined),
  examine,
  repair,
};

const isUnitPart = (name: OurName | undefined): boolean => name !== undefined && PARTS.includes(name.part as UnitPart);

/** What is there of a unit now: a list of names is old as soon as it is made. */
interface Present {
  readonly dir: string;
  readonly id: string;
  readonly kind: OurName["kind"];
  /** Of whoever made the unit. */
  readonly verdict: Verdict;
  readonly parts: ReadonlyMap<UnitPart, string>;
}

/** The proof of life is asked first: it is there before all else of a unit, and after it. */
function* look({ dir, names }: Thing): Program<Present | undefined> {
  const parsed = parseOurName(names[0] ?? "");
  if (!parsed) return undefined;
  const { id, kind } = parsed;
  const life = pathIn(dir, ourName("life", id));
  const verdict = yield* probe(life, { kind, part: "life" });
  const parts = new Map<UnitPart, string>();
  for (const name of names) {
    const { part } = parseOurName(name) ?? {};
    const at = pathIn(dir, name);
    if (part !== undefined && (yield* lstat(at))) parts.set(part as UnitPart, at);
  }
  return { dir, id, kind, verdict, parts };
}

const leading = ({ parts }: Present): UnitPart | undefined => PARTS.find((part) => parts.has(part));

function* examine(thing: Thing): Program<Finding | undefined> {
  const found = yield* look(thing);
  const part = found && leading(found);
  if (!found || !part) return undefined;
  const path = found.parts.get(part === "journal" ? "dir" : part) ?? (found.parts.get(part) as string);
  // Without a file of life a unit is what a power loss has left. A staged file has its own lock.
  const alone = found.verdict === "gone";
  const verdict = part === "stage" && alone ? yield* probe(path, { kind: found.kind, part }) : alone ? "dead" : found.verdict;
  if (verdict === "gone") return undefined;
  const owner = alone ? undefined : yield* ownerOf(found.parts.get("life") ?? path);
  const facts = { path, kind: KIND[part], owner, ...(yield* measure(path)) };
  if (verdict !== "dead") return { ...facts, state: verdict === "live" ? "live" : "unknown", repair: "kept", text: WHY[verdict] };
  if (part === "journal") return { ...facts, ...(yield* interrupted(found)) };
  if (part !== "aside")
    return { ...facts, state: "dead", repair: "removed", text: "its owner has died before the commit: it is not needed" };
  return { ...facts, state: "damaged", repair: "quarantined", text: "the record of the commit that moved it aside is gone" };
}

const WHY: Readonly<Record<Exclude<Verdict, "dead" | "gone">, string>> = {
  foreign: "it belongs to another user, or is not what its name says: left to its owner",
  live: "its owner lives",
  young: "only its age can show that its owner is dead, and it is too young for that",
};

function* interrupted({ dir, id }: Present): Program<Pick<Finding, "repair" | "state" | "text">> {
  try {
    const journal = yield* readRecord(dir, id);
    yield* refuseDamaged(journal);
    return {
      state: "dead",
      repair: "recovered",
      text: `its owner has died in the commit of ${nameOf(journal.record)}: it is to be finished`,
    };
  } catch (error) {
    if (isHoldfastError(error, "CORRUPT_JOURNAL"))
      return {
        state: "damaged",
        repair: "quarantined",
        text: "a commit can't be finished: its record, or what it needs, is damaged",
      };
    if (isHoldfastError(error, "UNSUPPORTED"))
      return {
        state: "unknown",
        repair: "kept",
        text: "a newer version of Holdfast has begun this commit, and has to finish it",
      };
    throw error;
  }
}

const nameOf = ({ target, steps }: JournalRecord): string =>
  target === WHOLE ? `a transaction of ${steps.length} steps` : target;

function* repair(thing: Thing): Program<Repaired> {
  const found = yield* look(thing);
  const part = found && leading(found);
  if (!found || !part) return GONE;
  const { dir, id, kind } = found;
  if (found.verdict === "gone" && part === "aside") return quarantined(yield* quarantineAside(dir, id));
  if (found.verdict === "gone" && part === "stage") {
    const removed = yield* removeIfDead(found.parts.get(part) as string, { id, kind, part });
    return removed === "removed" || removed === "gone" ? REMOVED : LEFT;
  }
  return yield* settle({ dir, id, kind, journalLocked: false });
}

const REMOVED: Repaired = { repair: "removed", text: "its owner had died before the commit: it was removed" };
const GONE: Repaired = { repair: "removed", text: "somebody else has put it right meanwhile" };
const LEFT: Repaired = { repair: "kept", text: "it is in use now: left to its owner" };

function* settle(unit: FoundUnit): Program<Repaired> {
  let settled: Settled;
  try {
    settled = yield* settleUnit(unit);
  } catch (error) {
    if (!isHoldfastError(error, "CORRUPT_JOURNAL")) throw error;
    const moved = yield* quarantineUnit(unit);
    if (moved === "live") return LEFT;
    return moved === "nothing" ? GONE : quarantined(moved.kept, moved.restored);
  }
  if (settled === "live") return LEFT;
  if (settled === "nothing") return GONE;
  if (settled === "removed") return REMOVED;
  const { target, undone, kept } = settled;
  if (undone) return { repair: "recovered", text: `the commit of ${target} could not be finished here: its old content is back` };
  if (kept.length === 0) return { repair: "recovered", text: `the commit of ${target} was finished` };
  return {
    repair: "recovered",
    text: `the commit of ${target} was ended: what others changed was kept, the rest is ${kept.join(", ")}`,
  };
}

function quarantined(kept: readonly string[], restored?: string): Repaired {
  const back = restored === undefined ? "" : `${restored} has its old content back; `;
  return { repair: "quarantined", text: `${back}kept for you to decide: ${kept.join(", ")}` };
}
