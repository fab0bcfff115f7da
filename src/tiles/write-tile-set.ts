import type { Durability } from "../core/prepare.ts";
import type { Target } from "../core/target.ts";
import { removeTree } from "../core/tree.ts";
import { isHoldfastError, toHoldfastError } from "../errors.ts";
import { writeFile } from "../file/index.ts";
import { never } from "../io/abort.ts";
import { currentMachine, withMachine } from "../io/current.ts";
import type { Machine } from "../io/io.ts";
import { lstat, type Program, quietly, syncDir, unlink } from "../io/program.ts";
import { run } from "../io/run.ts";
import { type Foreign, foreignTiles } from "./adopt.ts";
import { foreignTilesOf, refuseForeign, setAside, setAsideIfPossible } from "./foreign.ts";
import {
  expired,
  type FoundGeneration,
  finishGeneration,
  makeGeneration,
  mark,
  removeAll,
  type Survey,
  survey,
} from "./generations.ts";
import { renderIndex } from "./index-file.ts";
import { makeTiles } from "./make-tiles.ts";
import { encodeManifest, type Manifest, sha256, type TileRecord, VERSION } from "./manifest.ts";
import { type WriteJob, type WriteTileSetOptions, writeJob } from "./options.ts";
import { asWriter } from "./place.ts";
import { recover } from "./recover.ts";
import { takeOver } from "./resume.ts";
import type { TileSource } from "./source.ts";

/** What was written. */
export interface TileSetResult {
  /** The index, without symbolic links. */
  readonly path: string;
  /** The directory with its tiles, which is beside it. */
  readonly directory: string;
  readonly tileCount: number;
  /** Bytes of all tiles. */
  readonly sizeBytes: number;
  /** The level that was reached: less than asked where the file system gives no more. */
  readonly durability: Durability;
  /** How many tiles were taken over from a write that was interrupted. */
  readonly resumedCount: number;
  /** How many tiles have the values of another program's. */
  readonly adoptedCount: number;
  /** Directories of writes that were interrupted and of replaced versions, which were removed. */
  readonly removed: readonly string[];
  /** Directories of replaced versions that are still there: within the grace period, or read by somebody. */
  readonly kept: readonly string[];
  /** Where the tiles of another program are now, if they were renamed. */
  readonly quarantined: string | undefined;
}

/**
 * Writes a raster as GeoTIFF tiles and one GDAL index, all or nothing.
 *
 * The index is a virtual raster (`.vrt`), or for more than about 10,000 tiles a raster tile index (`.gti.fgb`), which GDAL opens in one
 * time however many tiles there are. It needs GDAL 3.9, and a raster with a `geoTransform` that has north up and no rotation.
 *
 * Guarantee: at every instant, and after a crash at any instant, the index is absent, or the old one with all its tiles, or the new
 * one with all its tiles. With `durability: "durable"`, the default, the new one also survives power loss once the promise has
 * resolved. What an interrupted call leaves never stands in the way of the next, which removes it. One process writes at a time.
 * Readers of {@link openTileSet} keep the version that they have opened; GDAL keeps reading the old one for the grace period.
 * Shown by `test/crash/tiles.test.ts` on the fault model in `docs/FAULT-MODEL.md`.
 *
 * Cost: a sync for each tile, and six more; the tiles under way in memory. The disk holds both versions, and for the grace period
 * those before. The lock file, which has the name of the index and `.lock`, stays.
 *
 * Not preserved: `INDEX.aux.xml`, which GDAL has made of the old values and would apply to the new, is removed right before the
 * commit; other files beside the index (`.qml`) are not touched.
 *
 * @param path The index; its name must end in `.vrt` or `.gti.fgb`, and its directory must exist.
 * @param source An image in memory, a function that gives windows, or an iterable of tiles: see {@link TileSource}.
 * @throws {TypeError} or {RangeError} A wrong argument; nothing was touched.
 * @throws {HoldfastError} outcome `unchanged`: `SOURCE_FAILED`, `NO_SPACE`, `EXISTS` for tiles of other programs (see option
 *   `leftovers`), `LOCKED`, `NOT_FOUND`, `PERMISSION`, `UNSUPPORTED`, `ABORTED` and the like; details have `tile`, `row` and `col`, and
 *   how many others failed. `SYNC_FAILED` or `IO`: `unchanged` up to the commit, then `unknown` or `committed`.
 *
 * Source: the GDAL documentation, "VRT -- GDAL Virtual Format" and "GTI -- GDAL Raster Tile Index"; rename(2); fsync(2).
 * @example
 * await writeTileSet("elevation.vrt", { width, height, dtype: "float32", read: (window) => compute(window) }, {
 *   crs: 32633,
 *   geoTransform: [500000, 10, 0, 5300000, 0, -10],
 *   nodata: Number.NaN,
 * });
 */
export async function writeTileSet(
  path: string | URL,
  source: TileSource,
  options?: WriteTileSetOptions,
): Promise<TileSetResult> {
  const job = writeJob(path, source, options);
  const machine = currentMachine();
  return await asWriter(job.path, job, machine, (target) => write(job, machine, target));
}

async function write(job: WriteJob, machine: Machine, target: Target): Promise<TileSetResult> {
  const { io } = machine;
  const signal = job.signal ?? never;
  const begun = await run(begin(job, target), io, signal);
  const { generation, resumed } = begun;
  const syncs = job.durability !== "volatile";
  let durability: Durability;
  let tiles: readonly TileRecord[];
  let adoptedCount: number;
  let digest: string;
  try {
    ({ tiles, adoptedCount } = await makeTiles(job, machine, generation.path, { resumed, foreign: begun.foreign }));
    const manifest: Manifest = {
      format: "holdfast-tiles",
      version: VERSION,
      directory: generation.name,
      raster: job.raster,
      tiles,
    };
    const bytes = encodeManifest(manifest);
    digest = sha256(bytes);
    await run(finishGeneration(target, generation.path, bytes, syncs), io, signal);
    await run(removeStatistics(target), io, signal);
    const index = renderIndex(manifest, digest);
    ({ durability } = await withMachine(machine, () => writeFile(target.path, index, { durability: job.durability, signal })));
  } catch (error) {
    // Where the commit may have been made, the index may name the generation: the next writer looks.
    const isUnchanged = !isHoldfastError(error) || error.outcome === "unchanged";
    if (isUnchanged && job.resume === undefined) await run(quietly(removeTree(generation.path)), io);
    throw error;
  }
  const ended = await run(end(job, target, begun, digest), io).catch((error: unknown) => {
    throw toHoldfastError(error, "committed");
  });
  return {
    path: target.path,
    directory: generation.path,
    tileCount: tiles.length,
    sizeBytes: tiles.reduce((sum, tile) => sum + tile.sizeBytes, 0),
    durability,
    resumedCount: resumed.size,
    adoptedCount,
    removed: [...begun.removed, ...ended.removed],
    kept: ended.kept,
    quarantined: begun.quarantined ?? ended.quarantined,
  };
}

interface Begun {
  readonly generation: FoundGeneration;
  /** Tiles that are there already, by name. */
  readonly resumed: ReadonlyMap<string, TileRecord>;
  readonly removed: readonly string[];
  readonly quarantined: string | undefined;
  /** The directory of another program that is to be set aside after the commit, and its tiles. */
  readonly foreignPath: string | undefined;
  readonly foreign: Foreign;
}

/** Puts right what others have left, and makes the directory for the new tiles. */
function* begin(job: WriteJob, target: Target): Program<Begun> {
  const foreignPath = yield* foreignTilesOf(target);
  if (foreignPath !== undefined && job.leftovers === "refuse") yield* refuseForeign(foreignPath);
  const { found, unfinished } = yield* recover(target);
  const adopts = foreignPath !== undefined && job.leftovers === "adopt" && isFirst(found);
  const settled = {
    quarantined: foreignPath !== undefined && !adopts ? yield* setAside(target, foreignPath) : undefined,
    foreignPath: adopts ? foreignPath : undefined,
    foreign: adopts && job.shape.isAsked ? yield* foreignTiles(job, foreignPath) : new Map<number, string>(),
  };
  const left = job.resume === undefined ? undefined : resumable(found, unfinished);
  const removed = yield* removeAll([...unfinished.filter((one) => one !== left), ...(yield* expired(found, job.graceMs))]);
  const resumed = new Map<string, TileRecord>();
  if (!left) return { generation: yield* makeGeneration(target, found.generations), resumed, removed, ...settled };
  yield* takeOver(job, left.path, (tile) => resumed.set(tile.name, tile));
  return { generation: left, resumed, removed, ...settled };
}

/** Tiles of another program may be of this write only if none was committed: else they may have been taken over already. */
function isFirst({ index, generations }: Survey): boolean {
  return typeof index !== "object" && generations.every(({ markedMs }) => markedMs === undefined);
}

/** Only one that is newer than all that an index has named: of these the newest must have the highest number. */
function resumable({ generations }: Survey, unfinished: readonly FoundGeneration[]): FoundGeneration | undefined {
  const newest = generations.filter(({ markedMs }) => markedMs !== undefined).at(-1)?.number ?? 0;
  return unfinished.filter(({ number }) => number > newest).at(-1);
}

/** What GDAL has found out about the old values. Before the commit: it must not be there with the new ones. */
function* removeStatistics({ dir, path }: Target): Program<void> {
  const statistics = `${path}.aux.xml`;
  if ((yield* lstat(statistics)) === undefined) return;
  yield* unlink(statistics);
  yield* syncDir(dir);
}

/** After the commit: marks it, and removes what nobody needs any more. */
function* end(
  job: WriteJob,
  target: Target,
  { generation, foreignPath }: Begun,
  digest: string,
): Program<Pick<TileSetResult, "kept" | "quarantined" | "removed">> {
  yield* mark(generation.path, digest, job.durability !== "volatile");
  const quarantined = foreignPath === undefined ? undefined : yield* setAsideIfPossible(target, foreignPath);
  const found = yield* survey(target);
  // An "atomic" commit may still be undone by a power loss: the old tiles stay until the next writer has made sure.
  const removed = job.durability === "atomic" ? [] : yield* removeAll(yield* expired(found, job.graceMs));
  const others = found.generations.filter(({ name }) => name !== generation.name).map(({ path }) => path);
  return { removed, kept: others.filter((path) => !removed.includes(path)), quarantined };
}
