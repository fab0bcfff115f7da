/** What a transaction has made of its root so far. What it has not touched is as it is on the disk. */
import * as path from "node:path";
import { type Wanted, type WantedDirectory, within } from "../core/plan.ts";
import { HoldfastError } from "../errors.ts";
import { OURS } from "../format/names.ts";
import type { Stat } from "../io/io.ts";
import { list, lstat, type Program, readLink, traits } from "../io/program.ts";
import { SYMLINKS_MAX } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";

/** What a path leads to, in the view. */
export interface Found {
  /** Relative to the root, without symbolic links, as it is spelled. */
  readonly path: string;
  /** Equal for all spellings of one path. */
  readonly key: string;
  readonly wanted: Wanted | undefined;
  /** Where it is on the disk, or would be if it was there; undefined: in a directory that is not there yet. */
  readonly at: string | undefined;
  /** The directories above, the topmost first. */
  readonly above: readonly Entry[];
  readonly name: string;
}

/** One name on the way to a path. `wanted: undefined`: nothing is there. */
interface Entry {
  readonly name: string;
  readonly wanted: WantedDirectory | undefined;
}

/** See above. */
export class View {
  readonly root: string;
  readonly top: WantedDirectory = { kind: "directory", at: ".", replaces: false, changes: new Map() };
  readonly #device: string;
  readonly fold: (name: string) => string;

  /** `root` is without symbolic links. */
  constructor(root: string, { id }: Pick<Stat, "id">, fold: (name: string) => string) {
    this.root = root;
    this.#device = deviceOf(id);
    this.fold = fold;
  }

  get isUntouched(): boolean {
    return this.top.changes.size === 0;
  }

  /** A path of the view on this platform. */
  absolute(relative: string): string {
    return relative === "." ? this.root : pathIn(this.root, relative.split("/").join(path.sep));
  }

  /**
   * Follows a path, through symbolic links that stay inside. Reads only.
   *
   * @param follow Whether a link at its end is followed too.
   */
  *find(names: readonly string[], follow: boolean): Program<Found> {
    const given = names.join("/");
    const rest = [...names];
    const above: Entry[] = [];
    let links = 0;
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === "..") {
        if (above.pop() === undefined) throw this.#outside(given);
        continue;
      }
      const dir = above.length === 0 ? this.top : above.at(-1)?.wanted;
      const found = dir && (yield* this.#entry(dir, name));
      if (found?.kind === "symlink" && (follow || rest.length > 0)) {
        if (++links > SYMLINKS_MAX)
          throw new HoldfastError("SYMLINK", { what: `more than ${SYMLINKS_MAX} symbolic links lead on`, path: given });
        const { names: onward, fromTop } = yield* this.#linked(found.at, given);
        if (fromTop) above.length = 0;
        rest.unshift(...onward);
        if (rest.length === 0) throw this.#outside(given);
        continue;
      }
      yield* refuseName(name, given);
      if (rest.length === 0) {
        const at = dir?.at === undefined ? undefined : within(dir.at, name);
        const whole = [...above.map((one) => one.name), name].join("/");
        return { path: whole, key: this.fold(whole), wanted: found, at, above, name };
      }
      if (found && found.kind !== "directory") throw new HoldfastError("NOT_A_DIRECTORY", { path: this.absolute(given) });
      above.push({ name, wanted: found });
    }
    throw this.#outside(given);
  }

  *#entry(dir: WantedDirectory, name: string): Program<Wanted | undefined> {
    const changed = dir.changes.get(this.fold(name));
    if (changed) return changed.wanted;
    if (dir.at === undefined) return undefined;
    const at = within(dir.at, name);
    const found = yield* lstat(this.absolute(at));
    if (found === undefined) return undefined;
    if (deviceOf(found.id) !== this.#device) {
      throw new HoldfastError("UNSUPPORTED", {
        what: "it is on another file system than the root, and a transaction can be about one only",
        path: this.absolute(at),
      });
    }
    return found.kind === "directory" ? { kind: "directory", at, replaces: false, changes: new Map() } : { kind: found.kind, at };
  }

  *#linked(at: string, given: string): Program<{ readonly names: string[]; readonly fromTop: boolean }> {
    const text = yield* readLink(this.absolute(at));
    const fromTop = path.isAbsolute(text);
    const inside = fromTop ? path.relative(this.root, text) : text;
    if (path.isAbsolute(inside)) throw this.#outside(given);
    return { names: inside.split(path.sep).filter((name) => name !== "" && name !== "."), fromTop };
  }

  #outside(given: string): HoldfastError {
    return new HoldfastError("SYMLINK", {
      what: "a symbolic link leads outside of the root, or to the root itself",
      path: this.absolute(given),
    });
  }

  /** Has `wanted` at a path from now on, with the directories above it. */
  set({ above, name }: Found, wanted: Wanted | undefined): void {
    let dir = this.top;
    for (const entry of above) {
      const key = this.fold(entry.name);
      // Where the transaction has taken something away, what is on the disk does not count any more.
      const next = entry.wanted ?? {
        kind: "directory",
        at: undefined,
        replaces: dir.changes.has(key),
        changes: new Map(),
      };
      dir.changes.set(key, { name: entry.name, wanted: next });
      dir = next;
    }
    dir.changes.set(this.fold(name), { name, wanted });
  }

  /** The names in a directory. */
  *namesIn({ at, changes }: WantedDirectory): Program<readonly string[]> {
    const names: string[] = [];
    for (const { name } of at === undefined ? [] : yield* list(this.absolute(at)))
      if (!changes.has(this.fold(name))) names.push(name);
    for (const { name, wanted } of changes.values()) if (wanted) names.push(name);
    return names;
  }
}

const deviceOf = (id: string): string => id.slice(0, id.indexOf(":"));

function* refuseName(name: string, given: string): Program<void> {
  const refused = OURS.test(name) ? "names that begin with .holdfast- are reserved" : (yield* traits()).refuseName(name);
  if (refused !== undefined) throw new HoldfastError("INVALID_NAME", { what: refused, path: given });
}
