/** Tile sets in temporary directories. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { type HoldfastError, isHoldfastError } from "holdfast";
import { openTileSet } from "holdfast/tiles";
import type { GeoTiffImage } from "holdfast/tiles/geotiff";
import { bytesOf, randomImage } from "./rasters.ts";
import { tempDir } from "./temp-dir.ts";

type Context = Parameters<typeof tempDir>[0];
export const place = (t: Context, name = "out.vrt"): { dir: string; vrt: string } => {
  const dir = tempDir(t);
  return { dir, vrt: path.join(dir, name) };
};
/** The directories with tiles, oldest first. */
export const generations = (dir: string): string[] =>
  fs
    .readdirSync(dir)
    .filter((name) => /_(tiles|gti)\.\d{6}-/.test(name))
    .sort();
export const small = (seed = 1): GeoTiffImage => randomImage("int16", 50, 40, 1, seed);
export const tiny = { tileSize: 16, compression: "none" } as const;

export async function valuesOf(vrt: string): Promise<Buffer> {
  const set = await openTileSet(vrt);
  try {
    return bytesOf(await set.read({ x: 0, y: 0, width: set.width, height: set.height }));
  } finally {
    await set.close();
  }
}
export const failsWith =
  (code: HoldfastError["code"], more: (error: HoldfastError) => unknown = () => {}) =>
  (error: unknown): boolean => {
    assert.ok(isHoldfastError(error, code), String(error));
    more(error);
    return true;
  };

/** Kills a process that writes tiles, 12 of 16 pixels, when it asks for the one at `killAt`. */
export async function killed(vrt: string, killAt: number, options: object, [width, height] = [50, 40]): Promise<void> {
  const script = `
    import { writeTileSet } from "holdfast/tiles";
    let asked = 0;
    const read = ({ width, height }) => {
      if (asked++ === ${killAt}) process.kill(process.pid, "SIGKILL");
      return new Int16Array(width * height).fill(asked);
    };
    await writeTileSet(${JSON.stringify(vrt)}, { width: ${width}, height: ${height}, dtype: "int16", read }, ${JSON.stringify(options)});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", "inherit"] });
  const [, signal] = (await once(child, "exit")) as [unknown, string | null];
  if (process.platform !== "win32") assert.equal(signal, "SIGKILL");
}
