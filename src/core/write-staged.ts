/** One file of a staged directory. */
import * as path from "node:path";
import { errnoOf, HoldfastError } from "../errors.ts";
import type { Source } from "../io/data.ts";
import type { File } from "../io/io.ts";
import { close, ensure, open, type Program, traits } from "../io/program.ts";
import { makeDirs } from "./make-dirs.ts";
import { writeSource } from "./write.ts";

/** Makes the file `names` in the staged directory `dir`, with the directories above it. Nothing is synced. */
export function* writeStaged(dir: string, names: readonly string[], source: Source, mode?: number): Program<void> {
  const { refuseName } = yield* traits();
  const at = path.join(dir, ...names);
  for (const name of names) {
    const refused = refuseName(name);
    if (refused !== undefined) throw new HoldfastError("INVALID_NAME", { what: refused, path: at });
  }
  if (names.length > 1) yield* makeDirs(path.dirname(at), false);
  const file = yield* openNew(at, mode);
  yield* ensure(writeSource(file, source, 0), () => close(file));
}

function* openNew(at: string, mode?: number): Program<File> {
  try {
    return yield* open(at, "create", mode);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    throw new HoldfastError("EXISTS", { what: "the file was written to the staged directory before", path: at, cause: error });
  }
}
