/** What a command has made of the place it was given: a file, a directory, or nothing. */
import { HoldfastError } from "../errors.ts";
import { ourName } from "../format/names.ts";
import { lstat, onFailure, type Program, rename, syncDir } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { type Publish, publishClosed } from "./publish.ts";
import type { StagedTree } from "./staged-tree.ts";
import type { Target } from "./target.ts";
import { removeTree, syncPath } from "./tree.ts";

/** A file or a directory in its place. */
export interface Output {
  readonly kind: "directory" | "file";
  readonly path: string;
}

/** Looks what there is under `name` in `place`. */
export function* findOutput(place: StagedTree, name: string): Program<Output> {
  const at = pathIn(place.path, name);
  const found = yield* lstat(at);
  if (found?.kind === "directory" || found?.kind === "file") return { kind: found.kind, path: at };
  if (found) throw new HoldfastError("NOT_A_FILE", { what: "the output is a link, a device, a FIFO or a socket", path: at });
  throw new HoldfastError("NOT_FOUND", { what: "nothing was written to the place for the output", path: at });
}

/**
 * Moves a directory from its place to where a staged directory is, durably: while it has two names, as a power loss can leave it
 * on btrfs, both are ours.
 */
export function* asStagedTree(place: StagedTree, output: Output): Program<StagedTree> {
  const at = pathIn(place.dir, ourName("dir", place.id));
  const move = function* (): Program<StagedTree> {
    yield* rename(output.path, at);
    yield* syncDir(place.path);
    yield* removeTree(place.path); // with whatever else the command has made there
    yield* syncDir(place.dir);
    const created = yield* lstat(at);
    if (!created) throw new HoldfastError("BUSY", { what: "the output was removed while it was committed", path: at });
    return { ...place, path: at, created };
  };
  return yield* onFailure(move(), () => removeTree(at)); // whoever called knows of the place only
}

/** Publishes a file. */
export function* publishOutputFile(
  output: Output,
  target: Target,
  how: Omit<Publish, "ifAbsent" | "overtake"> & { readonly sync: boolean },
): Program<{ readonly sizeBytes: number; readonly dirSynced: boolean }> {
  const created = yield* syncPath(output.path, how.sync);
  const dirSynced = yield* publishClosed({ path: output.path, created }, target, how);
  return { sizeBytes: created.sizeBytes, dirSynced };
}
