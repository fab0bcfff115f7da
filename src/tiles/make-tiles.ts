/** All tiles of one write: several made at once, and every one settled before anybody cleans up. */
import { HoldfastError, isHoldfastError } from "../errors.ts";
import { tileName } from "../format/tile-set.ts";
import { abortError, never, orAbort } from "../io/abort.ts";
import type { Machine } from "../io/io.ts";
import { run } from "../io/run.ts";
import { slotsOf } from "../io/slots.ts";
import { LISTED_MAX } from "../util/limits.ts";
import { adopted, type Foreign } from "./adopt.ts";
import { writeMember } from "./generations.ts";
import { describeGeoTiff } from "./geotiff/decode.ts";
import { encodePlanned, planOf } from "./geotiff/encode.ts";
import { Memory } from "./geotiff/memory.ts";
import { planImage } from "./geotiff/options.ts";
import { pixelsOf } from "./geotiff/pixels.ts";
import { gridOf, recordOf, type TileRecord, transformOf } from "./manifest.ts";
import type { WriteJob } from "./options.ts";
import { sealed } from "./resume.ts";
import { lineOf, type TileWork } from "./source.ts";

interface Failure {
  /** Undefined: the source failed before it gave a tile. */
  readonly work: TileWork | undefined;
  readonly error: unknown;
}

/** Tiles that need not be made. */
export interface There {
  /** Those that are in the directory, by name. */
  readonly resumed: ReadonlyMap<string, TileRecord>;
  /** Files of another program that may have the values of tiles. */
  readonly foreign: Foreign;
}

/** All tiles of a write. */
export interface MadeTiles {
  /** Row by row. */
  readonly tiles: readonly TileRecord[];
  readonly adoptedCount: number;
}

/**
 * Makes and writes all tiles that are not there yet.
 *
 * @throws {HoldfastError} The first failure, after all that was begun has ended, with the others in its details.
 */
export async function makeTiles(job: WriteJob, machine: Machine, dir: string, { resumed, foreign }: There): Promise<MadeTiles> {
  const grid = gridOf(job.raster);
  const line = lineOf(job.shape, job.raster);
  const signal = job.signal ?? never;
  const tiles: TileRecord[] = [];
  const failures: Failure[] = [];
  const memory = new Memory();
  let [sizeBytes, adoptedCount] = [0, 0];

  const make = async (work: TileWork): Promise<TileRecord> => {
    const name = tileName(work.row, work.col, grid);
    const old = resumed.get(name);
    if (old) return old;
    const data = await adopted(machine, job, foreign, work, signal);
    const { bytes, block } = await encoded(job, data ? { ...work, content: async () => ({ data }) } : work, memory, signal);
    if (data) adoptedCount++;
    const write = (): Promise<void> => run(writeMember(dir, name, bytes, job.durability !== "volatile"), machine.io, signal);
    const written = slotsOf(machine)
      .programs.use(signal, write)
      .catch((error: unknown) => {
        throw isHoldfastError(error) ? error.settled(error.outcome, { neededBytes: bytes.length }) : error;
      });
    const record = recordOf({ row: work.row, col: work.col, name, block }, bytes); // while they are on their way
    await written;
    memory.give(bytes);
    return record;
  };
  const worker = async (): Promise<void> => {
    while (failures.length === 0) {
      let work: TileWork | undefined;
      try {
        if (signal.aborted) throw abortError(signal);
        work = await orAbort(line.next(), signal);
        if (!work || failures.length > 0) return;
        const tile = await make(work);
        tiles.push(tile);
        sizeBytes += tile.sizeBytes;
        job.onProgress({ tilesDone: tiles.length, tileCount: grid.rows * grid.cols, sizeBytes });
      } catch (error) {
        failures.push({ work, error });
      }
    }
  };
  await Promise.all(Array.from({ length: job.atOnce }, worker));
  if (failures.length > 0) {
    line.leave().catch(() => {}); // the write has failed already; what its source says to being left changes nothing
    throw failed(failures, job);
  }
  return { tiles: tiles.sort((a, b) => a.row - b.row || a.col - b.col), adoptedCount };
}

/** A tile as it is written, and the size of the blocks in it. */
interface Encoded extends Pick<TileRecord, "block"> {
  readonly bytes: Uint8Array;
}

async function encoded(job: WriteJob, work: TileWork, memory: Memory, signal: AbortSignal): Promise<Encoded> {
  const { row, col, window } = work;
  const content = await orAbort(work.content(), signal);
  const { bands, dtype } = job.raster;
  const size = { width: window.width, height: window.height, bands };
  try {
    if ("encoded" in content) {
      const described = describeGeoTiff(content.encoded, "tile");
      expectShape(described, { ...size, dtype });
      return { bytes: sealed(job, row, col, content.encoded), block: described.block };
    }
    const options = { ...job.encoding, geoTransform: transformOf(job.raster.geoTransform, window) };
    const pixels = "pixels" in content ? content.pixels : pixelsOf({ ...size, data: content.data });
    const plan = "pixels" in content ? planImage({ ...size, dtype }, options) : planOf(pixels, options);
    expectShape(plan, { ...size, dtype });
    const bytes = await encodePlanned(pixels, plan, memory);
    return { bytes: sealed(job, row, col, bytes), block: [plan.blockWidth, plan.blockHeight] };
  } catch (cause) {
    throw new HoldfastError("SOURCE_FAILED", { what: `the source gave what is no tile (${messageOf(cause)})`, cause });
  }
}

type Facts = Readonly<Record<"bands" | "dtype" | "height" | "width", unknown>>;

function expectShape(found: Facts, wanted: Facts): void {
  for (const name of ["width", "height", "bands", "dtype"] as const) {
    if (found[name] !== wanted[name]) throw new RangeError(`its ${name} is ${found[name]}, and must be ${wanted[name]}`);
  }
}

/** The first failure, as it was, and what it was about. */
function failed([first, ...others]: readonly Failure[], job: WriteJob): unknown {
  const { error, work } = first as Failure;
  if (!isHoldfastError(error)) return error;
  const nameOf = (one: TileWork): string => tileName(one.row, one.col, gridOf(job.raster));
  return error.settled(error.outcome, {
    ...(work ? { tile: nameOf(work), row: work.row, col: work.col } : {}),
    alsoFailed: others.length,
    others: others.slice(0, LISTED_MAX).map((one) => `${one.work ? `${nameOf(one.work)}: ` : ""}${messageOf(one.error)}`),
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
