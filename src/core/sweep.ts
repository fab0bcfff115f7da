/**
 * Puts right, in one directory, what dead owners left: their staged files and directories are removed, their commits finished.
 * What a live one has is never touched.
 *
 * The proof of life is the kernel lock an owner holds: it ends with the process, is seen from other containers, and is not
 * fooled by a process id that was given again. Where no such lock can be had, age decides.
 */
import { OURS, type OurName, parseOurName } from "../format/names.ts";
import { type Program, search, unlink } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { type NotDead, whileDead } from "./dead.ts";
import { type Finished, settleUnit } from "./sweep-units.ts";

/** What one sweep did. */
export interface Swept {
  /** Paths of what was removed. */
  readonly removed: readonly string[];
  /** Commits that were finished. */
  readonly finished: readonly Finished[];
  /** Paths of what could not be examined, removed or finished, with the error. */
  readonly failed: readonly { readonly path: string; readonly error: unknown }[];
  /** How many staged files and units were left: their owner lives, or nothing proves that it is dead. */
  readonly keptCount: number;
}

/** How to sweep. */
export interface Sweep {
  /** Only what is more than one file, of which a commit may wait to be finished. */
  readonly unitsOnly?: boolean;
  /** Whether the caller has the journal lock of the directory. */
  readonly journalLocked?: boolean;
}

/** Sweeps `dir`, which must be on a local file system: elsewhere a lock proves nothing. One failure is not the sweep's. */
export function* sweepDead(dir: string, { unitsOnly = false, journalLocked = false }: Sweep = {}): Program<Swept> {
  const names = (yield* search(dir, OURS)).map(({ name }) => name);
  const parsed = names.map((name) => ({ name, ...parseOurName(name) })).filter(({ id }) => id !== undefined);
  const removed: string[] = [];
  const finished: Finished[] = [];
  const failed: { path: string; error: unknown }[] = [];
  let keptCount = 0;
  for (const one of unitsOnly ? [] : parsed.filter(({ part }) => part === "stage")) {
    const at = pathIn(dir, one.name);
    try {
      if ((yield* removeIfDead(at, one as OurName)) === "removed") removed.push(at);
      else keptCount++;
    } catch (error) {
      failed.push({ path: at, error });
    }
  }
  for (const [id, unit] of unitsOf(parsed as readonly NamedPart[])) {
    try {
      const settled = yield* settleUnit({ dir, id, kind: unit.kind, journalLocked });
      if (settled === "live") keptCount++;
      else if (settled === "removed") removed.push(...unit.names.map((name) => pathIn(dir, name)));
      else if (settled !== "nothing") finished.push(settled);
    } catch (error) {
      failed.push({ path: pathIn(dir, unit.names[0] ?? ""), error });
    }
  }
  return { removed, finished, failed, keptCount };
}

interface NamedPart extends OurName {
  readonly name: string;
}

const UNIT_PARTS: ReadonlySet<OurName["part"]> = new Set(["dir", "journal", "life", "out"]);

interface FoundUnit {
  readonly kind: OurName["kind"];
  readonly names: string[];
}

/** Names by unit. What is in quarantine waits for a person, and what is aside for the recovery of its journal. */
function unitsOf(parsed: readonly NamedPart[]): Map<string, FoundUnit> {
  const units = new Map<string, FoundUnit>();
  for (const { name, part, id, kind } of parsed) {
    if (!UNIT_PARTS.has(part)) continue;
    const unit = units.get(id) ?? { kind, names: [] };
    unit.names.push(name);
    units.set(id, unit);
  }
  return units;
}

/** Removes a staged file if its writer is dead. */
export function removeIfDead(at: string, stage: OurName): Program<NotDead | "removed"> {
  return whileDead(at, stage, function* (): Program<"removed"> {
    yield* unlink(at);
    return "removed";
  });
}
