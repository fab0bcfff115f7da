/** One directory: what of ours is in it, and which directories to look at next. */
import type { Kind, Thing } from "../core/finding.ts";
import { OURS } from "../format/names.ts";
import type { FileSystem } from "../io/io.ts";
import { fileSystem, type Program, search } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { KINDS, NAMES } from "./kinds.ts";

/** A thing, and the kind that knows about it. */
export interface Known {
  readonly kind: Kind;
  readonly thing: Thing;
}

/** A directory that was looked at. */
export interface Looked {
  readonly things: readonly Known[];
  /** What it is on, if there are things in it. */
  readonly on: FileSystem | undefined;
  /**
   * Directories in it that are not ours, the last one first: what is staged or quarantined belongs to its unit. Symbolic links are
   * not followed.
   */
  readonly subdirectories: readonly string[];
}

/** Lists a directory. Only what may be ours, and directories, are in memory at any moment. */
export function* lookInto(dir: string): Program<Looked> {
  const entries = [...(yield* search(dir, NAMES, true))].sort((one, other) => (one.name < other.name ? -1 : 1));
  const things = new Map<string, Known & { readonly thing: { readonly names: string[] } }>();
  const subdirectories: string[] = [];
  for (const { name, kind: what } of entries) {
    const isDirectory = what === "directory" && !OURS.test(name);
    const known = knownAs(name, isDirectory);
    if (!known) {
      if (isDirectory) subdirectories.push(pathIn(dir, name));
      continue;
    }
    const { kind, at } = known;
    const one = things.get(at) ?? { kind, thing: { dir, names: [] } };
    one.thing.names.push(name);
    things.set(at, one);
  }
  const on = things.size > 0 ? yield* fileSystem(dir) : undefined;
  return { things: [...things.values()], on, subdirectories: subdirectories.reverse() };
}

/** The first kind that knows the name, and which thing of it is meant. */
function knownAs(name: string, isDirectory: boolean): { readonly kind: Kind; readonly at: string } | undefined {
  for (const [index, kind] of KINDS.entries()) {
    const key = isDirectory ? kind.directoryKeyOf?.(name) : kind.keyOf(name);
    if (key !== undefined) return { kind, at: `${index} ${key}` };
  }
  return undefined;
}
