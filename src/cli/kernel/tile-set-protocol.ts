/** Tile sets, as they are asked of real kernels: what counts is what the next reader finds, with all tiles it is to have. */
import * as path from "node:path";
import { isHoldfastError, writeFile } from "../../index.ts";
import { openTileSet, writeTileSet } from "../../tiles/index.ts";
import type { Protocol } from "./protocols.ts";

const VERSIONS = [1, 2];
/** Two tiles, so that a mixture shows. */
const RASTER = { width: 2, height: 1, dtype: "uint8" } as const;
const OPTIONS = { tileSize: 1, compression: "none", concurrency: 1, graceMs: 0 } as const;
const indexIn = (dir: string): string => path.posix.join(dir, "map.vrt");

async function found(dir: string): Promise<string> {
  try {
    const set = await openTileSet(indexIn(dir));
    try {
      const { data } = await set.read({ x: 0, y: 0, ...RASTER });
      return data.join(" ");
    } finally {
      await set.close();
    }
  } catch (error) {
    if (isHoldfastError(error, "NOT_FOUND")) return "absent";
    if (isHoldfastError(error, "CORRUPT_TILES")) return "corrupt";
    throw error;
  }
}

/** The check is of a file to which the next reader writes what it has found: the names of tile directories are random. */
export const tileSetProtocol = (
  goesThrough: (versions: Readonly<Record<string, readonly string[]>>) => Protocol["check"],
): Protocol => ({
  name: "tile-set",
  description: "writeTileSet, one version after the other",
  before: {},
  async run(dir, acknowledge) {
    for (const version of VERSIONS) {
      const read = (): Uint8Array => new Uint8Array([version]);
      await writeTileSet(indexIn(dir), { ...RASTER, read }, OPTIONS);
      await acknowledge("found");
    }
  },
  recover: async (dir) => void (await writeFile(path.posix.join(dir, "found"), await found(dir))),
  check: goesThrough({ found: ["absent", ...VERSIONS.map((version) => `${version} ${version}`)] }),
  barriers: ["no-file-sync", "rename-before-sync"],
  // The sync of the mark, after the commit, makes the index durable too on ext4 and XFS.
  strictBarriers: ["no-directory-sync"],
});
