import { type Durability, reached } from "../core/prepare.ts";
import { HoldfastError } from "../errors.ts";
import { currentMachine } from "../io/current.ts";
import { fileSystem, type Program, realPath, stat, syncDir, traits } from "../io/program.ts";
import { run } from "../io/run.ts";
import { absoluteDirectory } from "../util/path.ts";

/** What Holdfast can do in one directory. */
export interface Capabilities {
  /** E.g. `"ext4"`; `"unknown"` if it is not one we know. */
  readonly fileSystem: string;
  /** Whether it is known to be on this machine. Elsewhere locks prove nothing, and nothing is swept. */
  readonly local: boolean;
  /** The highest level that can be reached here. */
  readonly durability: Durability;
  /** Whether a directory can be synced, which `durable` needs. */
  readonly dirSync: boolean;
  /**
   * How leftovers of dead writers are told from the files of live ones: `lock`, by the kernel lock a writer holds; `age`,
   * only by age (60 s on Windows, 24 h without fs-native-extensions); `never`, on file systems not known to be local.
   */
  readonly sweep: "age" | "lock" | "never";
  /** Whether a file can be replaced while somebody has it open. On Windows not: writes try again for a while. */
  readonly replacesOpenFiles: boolean;
}

/**
 * What is promised in the directory `path`. Writes nothing; syncs the directory once to learn whether it can be.
 *
 * @throws {HoldfastError} `NOT_FOUND` if there is no such directory.
 */
export async function capabilities(path: string | URL): Promise<Capabilities> {
  const machine = currentMachine();
  return await run(look(absoluteDirectory(path)), machine.io);
}

function* look(given: string): Program<Capabilities> {
  const found = yield* stat(given);
  if (found?.kind !== "directory") throw new HoldfastError("NOT_FOUND", { what: "there is no such directory", path: given });
  const dir = yield* realPath(given);
  const { lock, replacesOpenFiles } = yield* traits();
  const on = yield* fileSystem(dir);
  const dirSync = yield* syncDir(dir);
  return {
    fileSystem: on.name,
    local: on.local,
    durability: reached("durable", on, dirSync),
    dirSync,
    sweep: !on.local ? "never" : lock === "kernel" ? "lock" : "age",
    replacesOpenFiles,
  };
}
