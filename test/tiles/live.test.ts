/** Readers in other processes, while a tile set is replaced again and again. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import path from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { writeTileSet } from "holdfast/tiles";
import { deep, needsWide, wide } from "../support/deep.ts";
import { needsGdal } from "../support/gdal.ts";
import { needs } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

const READS = deep ? 150 : wide ? 40 : 12;
const run = promisify(execFile);

async function put(vrt: string, version: number, graceMs?: number): Promise<void> {
  const data = new Uint8Array(64 * 64).fill(version);
  await writeTileSet(vrt, { data, width: 64, height: 64 }, { tileSize: 16, compression: "none", graceMs });
}

/** Replaces the set until `reading` has ended. */
async function putWhile(vrt: string, reading: Promise<unknown>, graceMs?: number): Promise<number> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  reading.then(end, end);
  let version = 1;
  while (!ended) await put(vrt, (version++ % 250) + 1, graceMs);
  await reading;
  return version;
}

const skip = needs(needsWide, needsGdal);
it("GDAL never fails and never sees a mixture within the grace period", { skip }, async (t) => {
  const vrt = path.join(tempDir(t), "out.vrt");
  await put(vrt, 1);
  const read = async (): Promise<void> => {
    for (let count = 0; count < READS; count++) {
      const { stdout, stderr } = await run("gdalinfo", ["-mm", vrt]);
      const [, least, most] = /Min\/Max=([\d.]+),([\d.]+)/.exec(stdout) ?? [];
      assert.ok(least !== undefined && stderr === "", `${stdout}${stderr}`);
      assert.equal(least, most);
    }
  };
  t.diagnostic(`${READS} reads, ${await putWhile(vrt, read())} versions`);
});

it("RAS-04: openTileSet in another process never fails and never sees a mixture, also without a grace period", async (t) => {
  const vrt = path.join(tempDir(t), "out.vrt");
  await put(vrt, 1);
  const script = `
    import { openTileSet } from "holdfast/tiles";
    const versions = new Set();
    for (let count = 0; count < ${READS * 4}; count++) {
      const set = await openTileSet(${JSON.stringify(vrt)});
      const { data } = await set.read({ x: 0, y: 0, width: 64, height: 64 });
      await set.close();
      if (!data.every((value) => value === data[0])) throw new Error("a mixture");
      versions.add(data[0]);
    }
    process.stdout.write(String(versions.size));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve, reject) => {
    let [out, error] = ["", ""];
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (error += data));
    child.on("close", (code) => {
      t.diagnostic(`${READS * 4} reads of ${out} versions`);
      if (code === 0) resolve();
      else reject(new Error(error));
    });
  });
  await putWhile(vrt, ended, 0);
});
