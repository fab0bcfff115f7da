/** The names of a tile set's directories and files: `docs/format/tile-set.md`. */

/** One version of a tile set: its tiles are in a directory of their own. */
export interface Generation {
  /** Higher than that of every version before. */
  readonly number: number;
  /** Random, so that two writers never make the same name. */
  readonly id: string;
}

/** What GDAL takes an index for, and what follows its stem in the names of its tile directories: no two indexes share one. */
const TILES = { vrt: "_tiles", "gti.fgb": "_gti" } as const;
/** `vrt`: a virtual raster; `gti.fgb`: a raster tile index, in FlatGeobuf. */
export type IndexForm = keyof typeof TILES;

/** What an index is named. Only in lower case: a.VRT and a.vrt would share their tiles. */
const INDEX = /^(.+)\.(vrt|gti\.fgb)$/;
const GENERATION = /^(\d{6,15})-([0-9a-hjkmnp-tv-z]{26})$/;
const NUMBER_DIGITS = 6;

/** Lists the tiles of a generation, with size and digest. */
export const MANIFEST_NAME = "manifest.json";
/** Says that the index has named this generation, and the digest of its manifest. */
export const COMMITTED_NAME = "committed";
/** Locked, shared, by those who read the generation. */
export const READERS_LOCK_NAME = "readers.lock";

/** The form of an index of this name; undefined: no index can have it. */
export function indexForm(name: string): IndexForm | undefined {
  return INDEX.exec(name)?.[2] as IndexForm | undefined;
}

/** Whether an index can have this name. */
export function isIndexName(name: string): boolean {
  return indexForm(name) !== undefined;
}

/** The directory in which other programs keep the tiles of an index of this name; the names of ours begin with the same. */
export function foreignDirectory(index: string): string {
  return index.replace(INDEX, (_, stem: string, form: IndexForm) => stem + TILES[form]);
}

/** The directory of a generation. */
export function tileDirectory(index: string, { number, id }: Generation): string {
  return `${foreignDirectory(index)}.${String(number).padStart(NUMBER_DIGITS, "0")}-${id}`;
}

/** What {@link tileDirectory} was made of; undefined: it is not a directory of this index. */
export function parseTileDirectory(index: string, name: string): Generation | undefined {
  const prefix = `${foreignDirectory(index)}.`;
  const [, number, id] = (name.startsWith(prefix) && GENERATION.exec(name.slice(prefix.length))) || [];
  return number === undefined || id === undefined ? undefined : { number: Number(number), id };
}

/** What indexes and directories of generations look like, among all names. */
export const TILE_SET_NAMES = /\.vrt$|\.gti\.fgb$|_(tiles|gti)\.\d{6,15}-[0-9a-z]{26}$/;

/** The index of a directory of a generation; undefined: it is none. */
export function indexOfDirectory(name: string): string | undefined {
  for (const [form, tiles] of Object.entries(TILES)) {
    const at = name.lastIndexOf(`${tiles}.`);
    const index = `${name.slice(0, at)}.${form}`;
    if (at > 0 && parseTileDirectory(index, name)) return index;
  }
  return undefined;
}

/** The file of one tile, with as many digits as the largest row or column needs, so that they sort. */
export function tileName(row: number, col: number, { rows, cols }: { readonly rows: number; readonly cols: number }): string {
  const digits = Math.max(2, String(Math.max(rows, cols) - 1).length);
  return `tile_${String(row).padStart(digits, "0")}_${String(col).padStart(digits, "0")}.tif`;
}
