/** The words of `holdfast tiles`. */
import { type DamagedTile, openTileSet, repairTileSet, type TileSet } from "../tiles/index.ts";
import { EXIT } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { bytesText, countText, tableLines } from "./table.ts";

/** Tells what a set is and which tiles it has. */
export async function list(index: string, output: Output, signal: AbortSignal): Promise<number> {
  const set = await openTileSet(index, { signal });
  try {
    const { path, directory, width, height, bands, dtype, tileSize, epsg, geoTransform, nodata, tiles } = set;
    const sizeBytes = sizeOf(set);
    output.line(`${countText(width)} x ${countText(height)} pixels of ${dtype}, ${bands} ${bands === 1 ? "band" : "bands"}`);
    output.line(`${countText(tiles.length)} tiles of ${tileSize} x ${tileSize}, ${bytesText(sizeBytes)}, in ${directory}`);
    if (epsg !== undefined) output.line(`EPSG:${epsg}`);
    if (geoTransform) output.line(`transform ${geoTransform.join(" ")}`);
    if (nodata !== undefined) output.line(`no data is ${nodata}`);
    output.line();
    const rows = tiles.map((tile) => [tile.row, tile.col, bytesText(tile.sizeBytes), tile.name]);
    for (const line of tableLines(["row", "column", "size", "tile"], rows)) output.line(line);
    for (const tile of tiles) output.result({ type: "tile", ...tile });
    const facts = { path, directory, width, height, bands, dtype, tileSize, epsg, geoTransform, nodata };
    output.result({ type: "tile_set", ...facts, tileCount: tiles.length, sizeBytes });
    return EXIT.ok;
  } finally {
    await set.close();
  }
}

/** Checks all tiles. */
export async function verify(index: string, output: Output, signal: AbortSignal): Promise<number> {
  const set = await openTileSet(index, { signal });
  try {
    const damaged = await set.verify({ signal });
    tellDamage(damaged, output);
    const tileCount = set.tiles.length;
    if (damaged.length === 0) output.line(`${countText(tileCount)} tiles, ${bytesText(sizeOf(set))}: all whole`);
    output.result({ type: "verified", path: set.path, tileCount, damagedCount: damaged.length });
    return damaged.length === 0 ? EXIT.ok : EXIT.damage;
  } finally {
    await set.close();
  }
}

/** Rebuilds the index if need be. */
export async function repair(index: string, output: Output, signal: AbortSignal): Promise<number> {
  const found = await repairTileSet(index, { signal });
  const { damaged, removed, tileCount } = found;
  const isRebuilt = found.index === "rebuilt";
  output.line(`the index ${isRebuilt ? "was rebuilt, and is what it was" : "is intact"}`);
  for (const path of removed) output.line(`removed, of an interrupted write: ${path}`);
  tellDamage(damaged, output);
  output.result({ type: "repaired", path: found.path, index: found.index, removed, tileCount, damagedCount: damaged.length });
  if (damaged.length > 0) return EXIT.damage;
  return isRebuilt || removed.length > 0 ? EXIT.repaired : EXIT.ok;
}

function tellDamage(damaged: readonly DamagedTile[], output: Output): void {
  for (const tile of damaged) output.result({ type: "damaged_tile", ...tile });
  if (damaged.length === 0) return;
  const rows = damaged.map(({ row, col, damage, path }) => [row, col, damage, path]);
  for (const line of tableLines(["row", "column", "damage", "tile"], rows)) output.line(line);
  output.line(`${countText(damaged.length)} damaged: write the tile set again, or restore these files from a good copy`);
}

const sizeOf = ({ tiles }: TileSet): number => tiles.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
