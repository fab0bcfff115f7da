/**
 * How one directory becomes another without being renamed: the steps that replace, add and remove single files. For systems that
 * can't move a directory that somebody uses (Windows), or not at all (the lower layers of an overlay).
 */

import { errnoOf } from "../errors.ts";
import type { JournalStep, Seen } from "../format/journal.ts";
import type { Stat } from "../io/io.ts";
import { list, lstat, type Program, syncDir, traits } from "../io/program.ts";
import { digestOf } from "./carry-out.ts";
import { type Journal, pathOf } from "./journal.ts";
import { seenOf } from "./seen.ts";
import { syncPath } from "./tree.ts";

/** Two directories, relative to the directory of the record. */
interface Pair {
  readonly staged: string;
  readonly target: string;
}

/** Steps in the order in which they are to be done: everything new is in its place before anything old is removed. */
export function* planTree(dir: string, pair: Pair, mode: number): Program<JournalStep[]> {
  const planner = new Planner(dir, (yield* traits()).foldName);
  yield* planner.directory(pair, mode);
  return [...planner.steps, ...planner.removals];
}

class Planner {
  readonly steps: JournalStep[] = [];
  readonly removals: JournalStep[] = [];
  readonly #dir: Pick<Journal, "dir">;
  readonly #foldName: (name: string) => string;

  constructor(dir: string, foldName: (name: string) => string) {
    this.#dir = { dir };
    this.#foldName = foldName;
  }

  /** `staged` takes the place of whatever `target` is. */
  *directory({ staged, target }: Pair, mode: number): Program<void> {
    const found = yield* lstat(pathOf(this.#dir, target));
    if (found && found.kind !== "directory") this.steps.push({ do: "remove", target, before: yield* this.#seen(target, found) });
    if (found?.kind !== "directory") this.steps.push({ do: "make-directory", target, mode });
    const old = new Map<string, string>();
    if (found?.kind === "directory") {
      yield* syncDir(pathOf(this.#dir, target));
      for (const { name } of yield* list(pathOf(this.#dir, target))) old.set(this.#foldName(name), name);
    }
    for (const { name } of yield* list(pathOf(this.#dir, staged))) {
      const folded = this.#foldName(name);
      const pair = { staged: `${staged}/${name}`, target: `${target}/${old.get(folded) ?? name}` };
      old.delete(folded);
      yield* this.#entry(pair);
    }
    for (const name of old.values()) yield* this.#removal(`${target}/${name}`, this.removals);
  }

  *#entry(pair: Pair): Program<void> {
    const at = pathOf(this.#dir, pair.staged);
    const staged = yield* lstat(at);
    if (!staged) return; // removed by somebody since it was listed
    if (staged.kind === "directory") return yield* this.directory(pair, staged.mode);
    const found = yield* lstat(pathOf(this.#dir, pair.target));
    if (found?.kind === "directory") yield* this.#removal(pair.target, this.steps);
    const before = found && found.kind !== "directory" ? yield* this.#seen(pair.target, found) : null;
    const sha256 = staged.kind === "file" ? yield* digestOf(at) : undefined;
    this.steps.push({ do: "put", ...pair, before, after: { ...seenOf(staged), sha256 } });
  }

  /** What is there is made durable first: a power loss must not make it look like what somebody wrote later. */
  *#seen(target: string, found: Stat): Program<Seen> {
    if (found.kind !== "file") return seenOf(found);
    try {
      return seenOf(yield* syncPath(pathOf(this.#dir, target), true));
    } catch (error) {
      if (!["EACCES", "EPERM"].includes(errnoOf(error))) throw error;
      return seenOf(found); // not ours to open
    }
  }

  *#removal(target: string, into: JournalStep[]): Program<void> {
    const at = pathOf(this.#dir, target);
    const found = yield* lstat(at);
    if (!found) return;
    if (found.kind !== "directory") {
      into.push({ do: "remove", target, before: yield* this.#seen(target, found) });
      return;
    }
    yield* syncDir(at);
    for (const { name } of yield* list(at)) yield* this.#removal(`${target}/${name}`, into);
    into.push({ do: "remove-directory", target, before: seenOf(found) });
  }
}
