/**
 * Tiles that prove by themselves that they are whole and of the same job: behind the TIFF, where no reader looks, stands a digest of
 * the job, the tile's place and all bytes before. So a tile is taken over or made again, and nothing else has to be believed.
 */
import { createHash } from "node:crypto";
import { syncPath } from "../core/tree.ts";
import { unlessGone } from "../core/unless-gone.ts";
import { tileName } from "../format/tile-set.ts";
import { list, type Program, unlink } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import { readOr } from "./generations.ts";
import { describeGeoTiff } from "./geotiff/decode.ts";
import { gridOf, recordOf, type TileRecord } from "./manifest.ts";
import type { WriteJob } from "./options.ts";

const MAGIC = Buffer.from("HFTILE01");
const TRAILER_BYTES = MAGIC.length + 32;

/** What a job is known by: tiles of two jobs with one key are the same, as far as the caller's word for its source goes. */
function keyOf({ raster, encoding, resume }: WriteJob): string {
  return JSON.stringify({ resume, raster, encoding }, (_, value: unknown) =>
    typeof value === "bigint" || Number.isNaN(value) ? String(value) : value,
  );
}

function trailerOf(job: WriteJob, row: number, col: number, bytes: Uint8Array): Buffer {
  const place = JSON.stringify([keyOf(job), row, col]);
  return Buffer.concat([MAGIC, createHash("sha256").update(place).update("\0").update(bytes).digest()]);
}

/** The bytes of a tile as they are written for this job. */
export function sealed(job: WriteJob, row: number, col: number, bytes: Uint8Array): Uint8Array {
  return job.resume === undefined ? bytes : Buffer.concat([bytes, trailerOf(job, row, col, bytes)]);
}

function isWhole(job: WriteJob, row: number, col: number, bytes: Uint8Array): boolean {
  const end = bytes.length - TRAILER_BYTES;
  return end > 0 && trailerOf(job, row, col, bytes.subarray(0, end)).equals(bytes.subarray(end));
}

/**
 * Looks through a generation that a dead writer has left. Whole tiles of this job are made durable, as their writer may not have
 * come to that, and told of one by one; everything else in it is removed.
 */
export function* takeOver(job: WriteJob, dir: string, keep: (tile: TileRecord) => void): Program<void> {
  const grid = gridOf(job.raster);
  const left = new Set((yield* list(dir)).map(({ name }) => name));
  for (let row = 0; row < grid.rows; row++) {
    for (let col = 0; col < grid.cols; col++) {
      const name = tileName(row, col, grid);
      const path = pathIn(dir, name);
      const bytes = left.has(name) ? yield* readOr(path) : undefined;
      if (!bytes || !isWhole(job, row, col, bytes)) continue;
      yield* syncPath(path, job.durability !== "volatile");
      keep(recordOf({ row, col, name, block: describeGeoTiff(bytes, name).block }, bytes));
      left.delete(name);
    }
  }
  for (const name of left) yield* unlessGone(unlink(pathIn(dir, name)));
}
