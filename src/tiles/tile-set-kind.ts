/** Tile sets, as the doctor sees them: all but the content of tiles, which `holdfast tiles verify` reads. */
import type { Finding, Kind, Repaired, Thing } from "../core/finding.ts";
import { measure } from "../core/measure.ts";
import { type Finish, replaceFile } from "../core/replace.ts";
import { isHoldfastError } from "../errors.ts";
import { indexOfDirectory, isIndexName, TILE_SET_NAMES } from "../format/tile-set.ts";
import { all, dropLock, ensure, lstat, type Program, takeLock } from "../io/program.ts";
import { lockKind } from "../lock/index.ts";
import { HELD_BUDGET_ASYNC_MS, TREE_BATCH } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { currentVersion, type Version } from "./current-version.ts";
import { type FoundGeneration, isMarked, type Place, removeAll, type Survey, survey } from "./generations.ts";
import { renderIndex } from "./index-file.ts";
import { recover, unfinishedIn } from "./recover.ts";

/**
 * An index and the directories of its versions are one thing. An index of another program is none, whatever it names.
 *
 * @internal
 */
export const tileSetKind: Kind = {
  names: TILE_SET_NAMES,
  keyOf: (name) => (isIndexName(name) ? name : undefined),
  directoryKeyOf: indexOfDirectory,
  examine,
  repair,
};

function placeOf({ dir, names: [first = ""] }: Thing): Place {
  const name = isIndexName(first) ? first : (indexOfDirectory(first) ?? first);
  return { dir, name, path: pathIn(dir, name) };
}

function* examine(thing: Thing): Program<Finding | undefined> {
  const place = placeOf(thing);
  const there = yield* lstat(place.path);
  const isFile = there === undefined || there.kind === "file";
  // Others name their files so too: ours has the lock of its writers beside it, or names a version.
  const found = isFile ? yield* survey(place) : undefined;
  if (!found || (found.generations.length === 0 && typeof found.index !== "object")) return undefined;
  const { index, generations } = found;
  const facts = { path: place.path, kind: "tile-set", ...(yield* sizeOf(there?.sizeBytes ?? 0, generations)) } as const;
  if (index === "foreign") {
    const text = "another program has replaced the index; the versions from before are still beside it";
    return { ...facts, state: "unknown", repair: "kept", text };
  }
  const lock = yield* lockKind.examine({ dir: place.dir, names: [`${place.name}.lock`] });
  if (lock?.state === "live")
    return { ...facts, state: "live", owner: lock.owner, repair: "kept", text: "a process is writing it" };
  return { ...facts, ...(yield* conditionOf(place, found)) };
}

function* sizeOf(
  indexBytes: number,
  generations: readonly FoundGeneration[],
): Program<Required<Pick<Finding, "hasMore" | "sizeBytes">>> {
  let [sizeBytes, hasMore] = [indexBytes, false];
  for (const { path } of generations) {
    const found = yield* measure(path);
    sizeBytes += found.sizeBytes;
    hasMore ||= found.hasMore;
  }
  return { sizeBytes, hasMore };
}

type Condition = Pick<Finding, "repair" | "state" | "text">;

function* conditionOf(place: Place, found: Survey): Program<Condition> {
  let current: Version | undefined;
  try {
    current = yield* currentVersion(found, place);
  } catch (error) {
    if (!isHoldfastError(error, "UNSUPPORTED")) throw error;
    return { state: "unknown", repair: "kept", text: "a newer version of Holdfast has written it" };
  }
  const { index, generations } = found;
  const unfinished = unfinishedIn(found);
  const isNew = index === "absent" && unfinished.length === generations.length;
  if (!current && !isNew) return { state: "damaged", repair: "kept", text: nothingWhole(index) };
  const damage = current && (yield* damageOf(current));
  const isLost = current !== undefined && typeof index !== "object";
  const isCut = current !== undefined && !isLost && !(yield* isMarked(current.directory, current.digest));
  const texts = [
    ...(isLost ? [`the index is ${index}; it can be made again, as it was`] : []),
    ...(isCut ? ["its last writer died right after the commit"] : []),
    ...(damage === undefined ? [] : [damage]),
    ...(unfinished.length > 0 ? [interrupted(unfinished.length)] : []),
  ];
  const usual = "a tile set; holdfast tiles verify reads all of it";
  return {
    state: isLost || damage !== undefined ? "damaged" : texts.length > 0 ? "dead" : "idle",
    repair: isLost || isCut ? "recovered" : unfinished.length > 0 ? "removed" : "kept",
    text: texts.join("; ") || usual,
  };
}

const nothingWhole = (index: Survey["index"]): string =>
  typeof index === "object"
    ? "the manifest that the index names is damaged or gone: get it back from a copy, or write the set again"
    : `the index is ${index}, and there is no version from which to make it again: write the set again`;

const interrupted = (count: number): string =>
  `${count === 1 ? "a writer has" : `${count} writers have`} died before the commit: a write with option resume can go on from there`;

/** Tiles that are not as long as they were. */
function* damageOf({ manifest: { tiles }, directory }: Version): Program<string | undefined> {
  const damaged: string[] = [];
  for (let start = 0; start < tiles.length; start += TREE_BATCH) {
    const batch = tiles.slice(start, start + TREE_BATCH);
    const stats = yield* all(batch.map(({ name }) => lstat(pathIn(directory, name))));
    damaged.push(...batch.filter(({ sizeBytes }, at) => stats[at]?.sizeBytes !== sizeBytes).map(({ name }) => name));
  }
  if (damaged.length === 0) return undefined;
  const [first = ""] = damaged;
  return `tiles that are missing or not as long as they were: ${damaged.length}, the first ${pathIn(directory, first)}; write the set again, or get them back from a copy`;
}

/** What the next writer would do, and makes the index again. */
function* repair(thing: Thing): Program<Repaired> {
  const place = placeOf(thing);
  const taken = yield* takeLock(`${place.path}.lock`, "exclusive");
  if (!taken) return { repair: "kept", text: "a process is writing it" };
  return yield* ensure(mend(place), () => dropLock(taken.lock));
}

function* mend(place: Place): Program<Repaired> {
  const { found, unfinished } = yield* recover(place);
  const { index } = found;
  const current = yield* currentVersion(found, place);
  if (index === "foreign" || (index === "damaged" && !current)) return { repair: "kept", text: "it has changed meanwhile" };
  const isLost = current !== undefined && typeof index !== "object";
  if (isLost) yield* replaceFile(place, renderIndex(current.manifest, current.digest), yield* finishFor(place));
  const removed = yield* removeAll(unfinished);
  const rest = `what was never committed was removed: ${removed.length}`;
  if (isLost) return { repair: "recovered", text: `the index was made again from ${current.directory}; ${rest}` };
  if (unfinished.length > 0 && removed.length === 0) return { repair: "kept", text: "somebody has it open" };
  if (removed.length > 0) return { repair: "removed", text: rest };
  return { repair: "recovered", text: "what its index names is marked as committed" };
}

function* finishFor({ path }: Place): Program<Finish> {
  const attributes = { mode: undefined, existing: yield* lstat(path) };
  const heldBudgetMs = HELD_BUDGET_ASYNC_MS;
  return { attributes, syncFile: true, barrier: true, ifAbsent: false, heldBudgetMs, overtake: () => [] };
}
