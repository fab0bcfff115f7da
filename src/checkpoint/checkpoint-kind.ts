/** Checkpoints, as the doctor sees them: whether the files are whole. What a state means only its job knows. */
import type { Finding, Kind, Repaired, Thing } from "../core/finding.ts";
import { isHoldfastError } from "../errors.ts";
import { CHECKPOINT_LOCK_NAME, checkpointName, parseCheckpointName } from "../format/checkpoint.ts";
import { dropLock, ensure, lstat, type Program, takeLock } from "../io/program.ts";
import { lockKind } from "../lock/index.ts";
import { pathIn } from "../util/path.ts";
import { type Listing, listCheckpoint, moveAside } from "./files.ts";
import { type DamagedGeneration, readGeneration } from "./read.ts";

/**
 * All generations of a directory are one thing; each that was moved aside is one.
 *
 * @internal
 */
export const checkpointKind: Kind = {
  names: /^(damaged|generation|part)-\d{12}/,
  keyOf(name) {
    const { part, generation } = parseCheckpointName(name) ?? {};
    return part === "damaged" ? `damaged ${generation}` : part && "checkpoint";
  },
  examine,
  repair,
};

function* examine({ dir, names: [name = ""] }: Thing): Program<Finding | undefined> {
  // Others call their files so too: ours has a lock file beside it.
  if (!(yield* lstat(pathIn(dir, CHECKPOINT_LOCK_NAME)))) return undefined;
  const { part, generation = 0 } = parseCheckpointName(name) ?? {};
  if (part === "damaged") return yield* asideOf(pathIn(dir, checkpointName("damaged", generation)));
  const listing = yield* listCheckpoint(dir);
  if (listing.generations.length === 0) return undefined;
  const sizeBytes = yield* sizeOf(dir, listing);
  const facts = { path: dir, kind: "checkpoint", sizeBytes, repair: "kept" } as const;
  const lock = yield* lockKind.examine({ dir, names: [CHECKPOINT_LOCK_NAME] });
  const owner = lock?.state === "live" ? lock.owner : undefined;
  const { state, text } = yield* conditionOf(dir, listing);
  if (lock?.state === "live") return { ...facts, state: "live", owner, text: `a run has it; ${text}` };
  return { ...facts, state, repair: state === "damaged" ? "quarantined" : "kept", text };
}

/** Moves aside what is damaged, as the next run would, unless there is one. */
function* repair({ dir }: Thing): Program<Repaired> {
  const taken = yield* takeLock(pathIn(dir, CHECKPOINT_LOCK_NAME), "exclusive");
  if (!taken) return { repair: "kept", text: "a run has it now, and moves aside what is damaged" };
  const body = function* (): Program<Repaired> {
    const { generations } = yield* listCheckpoint(dir);
    const { damaged } = yield* untilWhole(dir, generations);
    yield* moveAside(
      dir,
      damaged.map(({ generation }) => generation),
    );
    return { repair: "quarantined", text: `damaged generations were moved aside: ${damaged.length}` };
  };
  return yield* ensure(body(), () => dropLock(taken.lock));
}

function* asideOf(path: string): Program<Finding | undefined> {
  const found = yield* lstat(path);
  const text = "a damaged generation of a checkpoint: look at it if you need to, and remove it";
  return found && { path, kind: "checkpoint-generation", state: "quarantined", sizeBytes: found.sizeBytes, repair: "kept", text };
}

function* sizeOf(dir: string, { generations, parts }: Listing): Program<number> {
  let sum = 0;
  for (const name of [...generations.map((generation) => checkpointName("generation", generation)), ...parts])
    sum += (yield* lstat(pathIn(dir, name)))?.sizeBytes ?? 0;
  return sum;
}

interface Walked {
  readonly damaged: readonly DamagedGeneration[];
  /** The newest that is whole. */
  readonly whole: number | undefined;
}

/** Looks at generations up to the first that is whole. */
function* untilWhole(dir: string, generations: readonly number[]): Program<Walked> {
  const damaged: DamagedGeneration[] = [];
  for (const generation of generations) {
    const found = yield* readGeneration(dir, generation);
    if (found && "cause" in found) damaged.push(found);
    else if (found) return { damaged, whole: generation };
  }
  return { damaged, whole: undefined };
}

function* conditionOf(dir: string, { generations }: Listing): Program<Pick<Finding, "state" | "text">> {
  let walked: Walked;
  try {
    walked = yield* untilWhole(dir, generations);
  } catch (error) {
    if (!isHoldfastError(error, "FORMAT_TOO_NEW")) throw error;
    return { state: "unknown", text: "a newer version of Holdfast has saved it" };
  }
  const { damaged, whole } = walked;
  const [newest] = damaged;
  if (!newest) return { state: "idle", text: `generation ${whole ?? "?"} is whole` };
  const next = whole === undefined ? "none is whole" : `the next run goes on from generation ${whole}`;
  return { state: "damaged", text: `generation ${newest.generation} is damaged (${newest.message}); ${next}` };
}
