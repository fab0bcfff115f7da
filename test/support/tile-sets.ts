/** Small tile sets on simulated disks: each version has one value in all its pixels, so that a mixture shows. */
import assert from "node:assert/strict";
import { isHoldfastError } from "holdfast";
import type { SimDisk } from "holdfast/sim";
import { openTileSet, type WriteTileSetOptions, writeTileSet } from "holdfast/tiles";

export const INDEX = "/app/out.vrt";
const SIDE = 4;

/** Writes a version of some tiles. */
export async function put(version: number, options: WriteTileSetOptions = {}): Promise<void> {
  const read = ({ width, height }: { width: number; height: number }): Uint8Array => new Uint8Array(width * height).fill(version);
  const source = { width: SIDE, height: SIDE / 2, dtype: "uint8", read } as const;
  await writeTileSet(INDEX, source, { tileSize: SIDE / 2, compression: "none", concurrency: 1, graceMs: 0, ...options });
}

/** The version that a reader finds, 0 if there is none. Fails where there is anything but one whole version. */
export async function found(): Promise<number> {
  try {
    const set = await openTileSet(INDEX);
    const { data } = await set.read({ x: 0, y: 0, width: SIDE, height: SIDE / 2 });
    await set.close();
    const [version = 0] = data as Uint8Array;
    assert.ok(
      (data as Uint8Array).every((value) => value === version),
      `a mixture: ${data.join(" ")}`,
    );
    return version;
  } catch (error) {
    if (isHoldfastError(error, "NOT_FOUND")) return 0;
    throw error;
  }
}

/** The version that a program sees that knows nothing of Holdfast: it reads what the index names, and nothing else. */
export function seenByOthers(disk: SimDisk): number {
  const index = disk.readText(INDEX);
  if (index === undefined) return 0;
  const tiles = [...index.matchAll(/<SourceFilename relativeToVRT="1">([^<]*)</g)].map(([, name]) => `/app/${name}`);
  assert.ok(index.endsWith("-->\n") && tiles.length > 0, "the index is not whole");
  const values = tiles.map((tile) => {
    const bytes = disk.readFile(tile);
    assert.ok(bytes && bytes.length >= 256, `${tile} is not whole`);
    const offset = new DataView(bytes.buffer, bytes.byteOffset).getUint32(offsetOfBlocks(bytes), true);
    return bytes[offset] ?? 0;
  });
  assert.equal(new Set(values).size, 1, `a mixture: ${values}`);
  return values[0] ?? 0;
}

/** Where the entry of tag 324 has its value: there is one block. */
function offsetOfBlocks(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let entry = 10; entry < bytes.length - 12; entry += 12) if (view.getUint16(entry, true) === 324) return entry + 8;
  throw new Error("no blocks");
}
