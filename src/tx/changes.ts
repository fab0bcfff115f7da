/** What each operation of a transaction does to its view. Each is called again with the claims that it has found missing. */
import { digestOf } from "../core/carry-out.ts";
import type { Wanted } from "../core/plan.ts";
import { notEmptyError } from "../core/publish-tree.ts";
import { HoldfastError } from "../errors.ts";
import type { Stat } from "../io/io.ts";
import { lstat, makeDir, type Program, wait } from "../io/program.ts";
import { isClaimed } from "./claims.ts";
import type {
  MakeDirectoryOptions,
  Precondition,
  RemoveOptions,
  RenameOptions,
  WriteChangeOptions,
  WriteDirectoryOptions,
} from "./options.ts";
import { newSlot, type Unit } from "./unit.ts";
import type { Found } from "./view.ts";

/** A path that has to be claimed first. */
export class Unclaimed {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

type Names = readonly string[];

/** What is at a path, once it is claimed. */
function* find(unit: Unit, names: Names, follow: boolean): Program<Found | Unclaimed> {
  const found = yield* unit.view.find(names, follow);
  return isClaimed(unit.claims, found.key) ? found : new Unclaimed(found.key);
}

/** Where new content is to be written, and what it will replace. */
export interface Slot {
  readonly at: string;
  readonly path: string;
  readonly existing: Stat | undefined;
}

export function* placeFile(unit: Unit, names: Names, options: WriteChangeOptions): Program<Slot | Unclaimed> {
  const found = yield* find(unit, names, true);
  if (found instanceof Unclaimed) return found;
  refuseUnlessFile(unit, found);
  yield* require(unit, found, options);
  yield* finished(unit, found.wanted);
  const existing = found.wanted?.at === undefined ? undefined : yield* lstat(unit.view.absolute(found.wanted.at));
  const at = newSlot(unit);
  unit.view.set(found, { kind: "file", at });
  return { at, path: found.path, existing };
}

export function* placeDirectory(unit: Unit, names: Names, options: WriteDirectoryOptions): Program<Slot | Unclaimed> {
  const found = yield* find(unit, names, true);
  if (found instanceof Unclaimed) return found;
  const { wanted } = found;
  if (wanted && wanted.kind !== "directory") throw new HoldfastError("NOT_A_DIRECTORY", { path: unit.view.absolute(found.path) });
  if (wanted && !options.replace) yield* refuseContent(unit, found, wanted, "it is replaced only with replace: true");
  return { at: yield* stageDirectory(unit, found, options.mode), path: found.path, existing: undefined };
}

function* stageDirectory(unit: Unit, found: Found, mode: number | undefined): Program<string> {
  const at = newSlot(unit);
  yield* makeDir(unit.view.absolute(at), mode);
  unit.trees.push(at);
  unit.view.set(found, { kind: "directory", at, replaces: true, changes: new Map() });
  return at;
}

export function* makeDirectory(unit: Unit, names: Names, options: MakeDirectoryOptions): Program<Unclaimed | undefined> {
  const found = yield* find(unit, names, true);
  if (found instanceof Unclaimed) return found;
  if (!found.wanted) yield* stageDirectory(unit, found, options.mode);
  else if (found.wanted.kind !== "directory")
    throw new HoldfastError("NOT_A_DIRECTORY", { path: unit.view.absolute(found.path) });
  return undefined;
}

export function* remove(unit: Unit, names: Names, options: RemoveOptions): Program<Unclaimed | undefined> {
  const found = yield* find(unit, names, false);
  if (found instanceof Unclaimed) return found;
  const { wanted } = found;
  if (!wanted) throw missing(unit, found);
  yield* require(unit, found, options);
  if (wanted.kind === "directory" && !options.recursive)
    yield* refuseContent(unit, found, wanted, "it is removed only with recursive: true");
  unit.view.set(found, undefined);
  return undefined;
}

export function* rename(unit: Unit, from: Names, to: Names, options: RenameOptions): Program<Unclaimed | undefined> {
  const source = yield* find(unit, from, false);
  if (source instanceof Unclaimed) return source;
  const target = yield* find(unit, to, false);
  if (target instanceof Unclaimed) return target;
  const { wanted } = source;
  if (!wanted) throw missing(unit, source);
  if (source.path === target.path) return undefined;
  if (target.key.startsWith(`${source.key}/`)) throw new RangeError("to must not be inside from");
  if (source.key.startsWith(`${target.key}/`)) throw new RangeError("from must not be inside to");
  yield* require(unit, source, { ifDigest: options.ifDigest });
  if (source.key !== target.key) {
    yield* require(unit, target, { ifAbsent: options.ifAbsent });
    refuseToReplace(unit, wanted, target);
  }
  unit.view.set(source, undefined);
  // With the directories above it as they are now: `source` may have been among them.
  const now = yield* unit.view.find(to, false);
  unit.view.set(now, wanted.kind === "directory" ? { ...wanted, replaces: true } : wanted);
  return undefined;
}

/** Where the content of a file is, on the disk; undefined: there is none. */
export function* locate(unit: Unit, names: Names): Program<string | Unclaimed | undefined> {
  const found = yield* find(unit, names, true);
  if (found instanceof Unclaimed) return found;
  refuseUnlessFile(unit, found);
  return found.wanted?.at;
}

/** Waits until content that is being written is whole. */
function* finished({ pending }: Unit, wanted: Wanted | undefined): Program<void> {
  const writing = wanted?.at === undefined ? undefined : pending.get(wanted.at);
  if (writing) yield* wait({ async: () => writing });
}

function* require(unit: Unit, found: Found, { ifAbsent, ifDigest }: Precondition): Program<void> {
  if (!ifAbsent && ifDigest === undefined) return;
  const { wanted, at } = found;
  const path = unit.view.absolute(found.path);
  const otherwise = new HoldfastError(ifAbsent ? "EXISTS" : "CHANGED", { path });
  if (ifAbsent && wanted) throw otherwise;
  const now = at === undefined ? undefined : yield* lstat(unit.view.absolute(wanted?.at ?? at));
  if (ifDigest !== undefined) {
    if (wanted?.kind !== "file") throw otherwise;
    yield* finished(unit, wanted);
    const digest = unit.digests.get(wanted.at) ?? (yield* digestOf(unit.view.absolute(wanted.at)));
    if (digest !== ifDigest.toLowerCase()) throw otherwise;
  }
  const onDisk = wanted ? (wanted.at?.startsWith(`${unit.place}/`) ? undefined : wanted.at) : at;
  // What the transaction itself has taken away is there until the commit.
  if (onDisk !== undefined && (wanted || !now)) unit.expected.push({ at: onDisk, found: now, otherwise });
}

function refuseUnlessFile({ view }: Unit, { wanted, path }: Found): void {
  if (wanted === undefined || wanted.kind === "file") return;
  const what = wanted.kind === "directory" ? "the path is a directory" : "the path is a device, FIFO or socket";
  throw new HoldfastError("NOT_A_FILE", { what, path: view.absolute(path) });
}

function* refuseContent({ view }: Unit, { path }: Found, wanted: Wanted, unless: string): Program<void> {
  const names = wanted.kind === "directory" ? yield* view.namesIn(wanted) : [];
  if (names.length > 0) throw notEmptyError(view.absolute(path), names, unless);
}

/** As rename(2), but no directory is replaced by the way. */
function refuseToReplace({ view }: Unit, from: Wanted, { wanted, path }: Found): void {
  if (!wanted || (wanted.kind !== "directory" && from.kind !== "directory")) return;
  throw new HoldfastError("EXISTS", {
    what: "a directory is neither replaced by a rename, nor does it replace anything: remove what is there first",
    path: view.absolute(path),
  });
}

const missing = ({ view }: Unit, { path }: Found): HoldfastError => new HoldfastError("NOT_FOUND", { path: view.absolute(path) });
