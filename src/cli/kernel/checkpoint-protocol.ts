/** Saves of a checkpoint, as they are asked of real kernels: what counts is what the next run loads. */
import * as path from "node:path";
import { Checkpoint } from "../../checkpoint/index.ts";
import { isHoldfastError, writeFile } from "../../index.ts";
import type { Protocol } from "./protocols.ts";

interface State {
  readonly version: string;
  readonly text: string;
}

const VERSIONS = ["a", "b"];
/** One block: the sweeps have larger ones, and this one is asked of each profile at each test. */
const stateOf = (version: string): State => ({ version, text: version.repeat(1000) });
const jobIn = (dir: string): string => path.posix.join(dir, "job");

async function found(dir: string): Promise<string> {
  const checkpoint = await Checkpoint.open<State>(jobIn(dir));
  try {
    const loaded = await checkpoint.load();
    return loaded.status === "absent" ? "absent" : `${loaded.status} ${loaded.state.version}`;
  } catch (error) {
    if (isHoldfastError(error, "CORRUPT_CHECKPOINT")) return "corrupt";
    throw error;
  } finally {
    await checkpoint.close();
  }
}

/** The check is of a file to which the next run writes what it has loaded: the files of a checkpoint have times in them. */
export const checkpointProtocol = (
  goesThrough: (versions: Readonly<Record<string, readonly string[]>>) => Protocol["check"],
): Protocol => {
  const check = goesThrough({ found: ["absent", ...VERSIONS.map((version) => `ok ${version}`)] });
  return {
    name: "checkpoint",
    description: "Checkpoint.save, one generation after the other",
    before: {},
    async run(dir, acknowledge) {
      const checkpoint = await Checkpoint.open<State>(jobIn(dir), { keep: 1 });
      for (const version of VERSIONS) {
        await checkpoint.save(stateOf(version));
        await acknowledge("found");
      }
      await checkpoint.close();
    },
    recover: async (dir) => void (await writeFile(path.posix.join(dir, "found"), await found(dir))),
    check,
    barriers: ["no-file-sync", "no-directory-sync"],
  };
};
