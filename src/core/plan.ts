/**
 * How what is in a directory becomes what is wanted, without moving a directory: the steps that make directories, and move and
 * remove single files. Some systems can't move a directory that somebody uses (Windows), or not at all (the lower layers of an
 * overlay); and between two directories a power loss may leave a moved one under both names, which nothing can put right.
 */

import * as path from "node:path";
import { errnoOf, HoldfastError } from "../errors.ts";
import type { JournalStep, Seen } from "../format/journal.ts";
import type { Stat } from "../io/io.ts";
import { all, list, type Program, syncDir, traits } from "../io/program.ts";
import { digestOf } from "./carry-out.ts";
import { pathOf } from "./journal.ts";
import { inOrder, type Move } from "./plan-moves.ts";
import { look, seenOf } from "./seen.ts";
import { syncPath } from "./tree.ts";

/** What is to be at a path. All paths are relative to the directory of the record, with `/` between names. */
export type Wanted = WantedDirectory | WantedFile;

/** A file, or a link; or what else is not a directory. */
export interface WantedFile {
  readonly kind: Exclude<Stat["kind"], "directory">;
  /** Where it is now: in the staged directory of the unit, or somewhere else in the directory of the record. */
  readonly at: string;
}

export interface WantedDirectory {
  readonly kind: "directory";
  /** Where its entries are now, but for `changes`. Undefined: there are no others. */
  readonly at: string | undefined;
  /** Whether it takes the place of all that is at its path now; else what `changes` does not name stays. */
  readonly replaces: boolean;
  /** By the folded name. */
  readonly changes: Map<string, Change>;
}

/** One entry of a directory. `wanted: undefined`: nothing. */
export interface Change {
  readonly name: string;
  readonly wanted: Wanted | undefined;
}

/** The unit that the steps are for. */
export interface Unit {
  /** The directory of the record. */
  readonly dir: string;
  /** Its staged directory, relative to that. */
  readonly staged: string;
  /** A free name in it, for what has to be out of the way for a moment. */
  readonly slot: () => string;
  /** SHA-256 of staged files, as far as they are known. */
  readonly digests: ReadonlyMap<string, string>;
}

const MODE_DEFAULT = 0o777;

/** The path of `name` in `dir`, both as in a record. */
export const within = (dir: string, name: string): string => (dir === "." ? name : `${dir}/${name}`);

/**
 * The steps, in the order in which they are to be done: everything new is in its place before anything old is removed, but where
 * one has to go for the other. All that they are about is durable then: a power loss must not make it look like what somebody
 * wrote later.
 */
export function* planChanges(unit: Unit, root: WantedDirectory): Program<JournalStep[]> {
  const planner = new Planner(unit, (yield* traits()).foldName);
  yield* planner.entries(".", root, false);
  return yield* planner.steps();
}

/** What is in the way, or not wanted any more. */
interface Removal {
  readonly target: string;
  readonly found: Stat;
}

interface Placed {
  readonly target: string;
  readonly at: string;
  /** What it takes the place of. */
  readonly found: Stat | undefined;
}

class Planner {
  readonly #unit: Unit;
  readonly #fold: (path: string) => string;
  /** What is in the way of something of another kind, and what is not. */
  readonly #early: Removal[] = [];
  readonly #late: Removal[] = [];
  readonly #makes: JournalStep[] = [];
  readonly #placed: Placed[] = [];
  /** Folded paths that what is there leaves. */
  readonly #left = new Set<string>();

  constructor(unit: Unit, foldName: (name: string) => string) {
    this.#unit = unit;
    this.#fold = foldName;
  }

  #look(target: string): Program<Stat | undefined> {
    return look(pathOf(this.#unit, target));
  }

  #list(target: string): ReturnType<typeof list> {
    return list(target === "." ? this.#unit.dir : pathOf(this.#unit, target));
  }

  #isStaged(at: string): boolean {
    return at.startsWith(`${this.#unit.staged}/`);
  }

  /** Everything in `wanted`, which is there, or is to be, as `target`. */
  *entries(target: string, wanted: WantedDirectory, replaces: boolean): Program<void> {
    const old = new Map<string, string>();
    if (replaces && (yield* this.#look(target))?.kind === "directory")
      for (const { name } of yield* this.#list(target)) old.set(this.#fold(name), name);
    for (const { name, wanted: entry } of yield* this.#wantedIn(wanted, replaces)) {
      const folded = this.#fold(name);
      yield* this.#visit(within(target, old.get(folded) ?? name), entry, replaces);
      old.delete(folded);
    }
    for (const name of old.values()) yield* this.#visit(within(target, name), undefined, replaces);
  }

  *#wantedIn({ at, changes }: WantedDirectory, replaces: boolean): Program<readonly Change[]> {
    if (!replaces || at === undefined) return [...changes.values()];
    const entries: Change[] = [];
    for (const { name, kind } of yield* this.#list(at)) {
      if (changes.has(this.#fold(name))) continue;
      const from = within(at, name);
      entries.push({
        name,
        wanted: kind === "directory" ? { kind, at: from, replaces, changes: new Map() } : { kind, at: from },
      });
    }
    return [...entries, ...changes.values()];
  }

  *#visit(target: string, wanted: Wanted | undefined, inReplaced: boolean): Program<void> {
    const found = yield* this.#look(target);
    if (!wanted) {
      if (found) this.#late.push({ target, found });
      return;
    }
    if (wanted.kind !== "directory") {
      if (wanted.at === target) return;
      if (!this.#isStaged(wanted.at)) this.#left.add(this.#fold(wanted.at));
      if (found?.kind === "directory") this.#early.push({ target, found });
      this.#placed.push({ target, at: wanted.at, found: found?.kind === "directory" ? undefined : found });
      return;
    }
    if (found && found.kind !== "directory") this.#early.push({ target, found });
    if (found?.kind !== "directory") {
      const mode = wanted.at === undefined ? MODE_DEFAULT : ((yield* this.#look(wanted.at))?.mode ?? MODE_DEFAULT);
      this.#makes.push({ do: "make-directory", target, mode });
    }
    yield* this.entries(target, wanted, inReplaced || wanted.replaces);
  }

  *steps(): Program<JournalStep[]> {
    const moves: Move[] = [];
    const puts: JournalStep[] = [];
    for (const step of yield* all(this.#placed.map((one) => this.#place(one)))) {
      if (step.do === "rename") moves.push(step);
      else puts.push(step);
    }
    const isInTheWay = (from: string): boolean => this.#early.some(({ target }) => isAtOrBelow(from, target));
    const { first, last } = inOrder(moves, this.#fold, isInTheWay, this.#unit.slot);
    const early = yield* this.#removals(this.#early);
    const late = yield* this.#removals(this.#late);
    const steps = [...first, ...early, ...this.#makes, ...last, ...puts, ...late];
    yield* this.#settleDirectories(steps);
    return steps;
  }

  *#place({ target, at, found }: Placed): Program<Move | (JournalStep & { readonly do: "put" })> {
    const now = yield* this.#look(at);
    if (!now || now.kind === "directory") {
      throw new HoldfastError("BUSY", { what: "somebody has removed or replaced it meanwhile", path: pathOf(this.#unit, at) });
    }
    const staged = this.#isStaged(at);
    const before = found && !this.#left.has(this.#fold(target)) ? yield* this.#seen(target, found) : null;
    if (!staged) return { do: "rename", from: at, target, before, after: yield* this.#seen(at, now) };
    const sha256 = now.kind === "file" ? (this.#unit.digests.get(at) ?? (yield* digestOf(pathOf(this.#unit, at)))) : undefined;
    return { do: "put", target, before, staged: at, after: { ...seenOf(now), sha256 } };
  }

  *#removals(from: readonly Removal[]): Program<JournalStep[]> {
    const removals: Removal[] = [];
    for (const one of from) yield* this.#below(one, removals);
    return yield* all(removals.map((one) => this.#removal(one)));
  }

  /** What has to be removed, the innermost first; not what is moved elsewhere. */
  *#below({ target, found }: Removal, into: Removal[]): Program<void> {
    if (found.kind !== "directory") {
      if (!this.#left.has(this.#fold(target))) into.push({ target, found });
      return;
    }
    for (const { name } of yield* this.#list(target)) {
      const entry = yield* this.#look(within(target, name));
      if (entry) yield* this.#below({ target: within(target, name), found: entry }, into);
    }
    into.push({ target, found });
  }

  *#removal({ target, found }: Removal): Program<JournalStep> {
    if (found.kind === "directory") return { do: "remove-directory", target, before: seenOf(found) };
    return { do: "remove", target, before: yield* this.#seen(target, found) };
  }

  /** What is there is made durable first: a power loss must not make it look like what somebody wrote later. */
  *#seen(target: string, found: Stat): Program<Seen> {
    if (found.kind !== "file") return seenOf(found);
    try {
      return seenOf(yield* syncPath(pathOf(this.#unit, target), true));
    } catch (error) {
      if (!["EACCES", "EPERM"].includes(errnoOf(error))) throw error;
      return seenOf(found); // not ours to open
    }
  }

  /** The same for names, and for those of the directories above; but for the directory of the record, which is synced before it. */
  *#settleDirectories(steps: readonly JournalStep[]): Program<void> {
    const above = new Set(["."]);
    for (const step of steps) {
      for (const one of step.do === "rename" ? [step.target, step.from] : [step.target]) {
        for (let dir = path.posix.dirname(one); !above.has(dir); dir = path.posix.dirname(dir)) above.add(dir);
        if (step.do === "remove-directory") above.add(one);
      }
    }
    above.delete(".");
    yield* all([...above].map((dir) => this.#settleDirectory(dir)));
  }

  *#settleDirectory(target: string): Program<void> {
    if ((yield* this.#look(target))?.kind === "directory") yield* syncDir(pathOf(this.#unit, target));
  }
}

const isAtOrBelow = (one: string, other: string): boolean => one === other || one.startsWith(`${other}/`);
