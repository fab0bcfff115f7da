/** A tile set of 256 tiles, durable, against one writer and against gdal_retile.py; and the index of many tiles. */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { child, encodeGeoTiff, renderIndex, writeTileSet } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const SIDE = 4096;
const TILE = 256;
const TILES = (SIDE / TILE) ** 2;
const ROUNDS = 5;
/** What GDAL calls each way, and how many times its speed is wanted of four writers. */
const WAYS = {
  none: { options: { compression: "none" }, gdal: ["COMPRESS=NONE"], target: 3 },
  "deflate 1": { options: { level: 1 }, gdal: ["COMPRESS=DEFLATE", "ZLEVEL=1", "PREDICTOR=3"], target: 1.3 },
  "deflate 6": { options: { level: 6 }, gdal: ["COMPRESS=DEFLATE", "ZLEVEL=6", "PREDICTOR=3"], target: 1.3 },
};
const WRITERS = 4;
const PARALLEL_MIN = 1.5;
const INDEX_TILES = 10_000;
const INDEX_MS_MAX = 100;

/** A source larger than memory is allowed to be, as wide as a mosaic of a country. */
const WIDE = { width: 100_000, height: 2048 };
const BUDGET_MIB = 256;

export async function tiles({ dir }) {
  const image = terrain();
  const output = path.join(dir, "output");
  const geo = { crs: 32633, geoTransform: [500_000, 10, 0, 5_300_000, 0, -10], tileSize: TILE };
  const writing = (options) => () => writeTileSet(path.join(output, "out.vrt"), image, { ...geo, ...options });
  const ours = Object.entries(WAYS).flatMap(([name, { options }]) => [
    [name, writing({ ...options, concurrency: WRITERS })],
    [`${name}, default`, writing(options)],
  ]);
  const others = hasGdal() ? await retiling(dir, output, image, geo) : [];
  const contenders = Object.fromEntries([...ours, ["one writer", writing({ ...WAYS.none.options, concurrency: 1 })], ...others]);
  // All write into an empty directory. What they wrote goes before the next begins, which would else wait for it to reach the disk.
  const tidyUp = () => {
    fs.rmSync(output, { recursive: true, force: true });
    fs.mkdirSync(output);
  };
  tidyUp();
  const results = await takeTurns(contenders, { rounds: ROUNDS, warmUp: 1, baseline: "none", tidyUp });
  const speed = (name) => round((TILES / results[name].ms) * 1000, 0);
  const parallel = results["one writer"].ratio;
  const id = `tile set, ${WRITERS} writers / 1 writer, uncompressed`;
  const found = [ratio(id, parallel, PARALLEL_MIN, `${speed("none")} and ${speed("one writer")} tiles/s`)];
  for (const [name, { target }] of Object.entries(WAYS)) {
    const id = `tile set / gdal_retile.py, ${name}`;
    const other = results[`gdal_retile ${name}`];
    const byDefault = `${speed(`${name}, default`)} with the default of concurrency`;
    const speeds = `${speed(name)} tiles/s (${byDefault})`;
    if (!other) found.push({ id, value: undefined, unit: "", note: `${speeds}; gdal_retile.py is not installed` });
    else found.push(ratio(id, other.ms / results[name].ms, target, `${speeds} and ${speed(`gdal_retile ${name}`)} tiles/s`));
  }
  return [...found, ...(await indexTimes()), memory(dir)];
}

function ratio(id, times, target, note) {
  return { id, value: round(times), unit: "x the speed", target: `>= ${target}`, met: times >= target, note };
}

/** Heights that compress as real ones do: slopes, and noise in the last bits. */
function terrain() {
  const data = new Float32Array(SIDE * SIDE);
  let noise = 1;
  for (let i = 0; i < data.length; i++) {
    noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0;
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    data[i] = 500 + 300 * Math.sin(x / 400) * Math.cos(y / 300) + (noise >>> 20) / 4096;
  }
  return { data, width: SIDE, height: SIDE };
}

const hasGdal = () => spawnSync("gdal_retile.py", ["--version"], { stdio: "ignore" }).error === undefined;

async function retiling(dir, output, image, { crs, geoTransform }) {
  const input = path.join(dir, "input.tif");
  fs.writeFileSync(input, await encodeGeoTiff(image, { crs, geoTransform, compression: "none" }));
  return Object.entries(WAYS).map(([name, { gdal }]) => [
    `gdal_retile ${name}`,
    () => {
      const options = [...gdal, "TILED=YES"].flatMap((option) => ["-co", option]);
      execFileSync("gdal_retile.py", ["-q", "-ps", `${TILE}`, `${TILE}`, ...options, "-targetDir", output, input], {
        stdio: "pipe",
      });
    },
  ]);
}

/** Both forms of index; which one, the name of the directory says. */
async function indexTimes() {
  const cols = 100;
  const raster = {
    width: cols * TILE,
    height: cols * TILE,
    bands: 1,
    dtype: "float32",
    tileSize: TILE,
    geoTransform: [500_000, 10, 0, 5_300_000, 0, -10],
    metadata: {},
    categories: [],
  };
  const tile = (_, i) => ({ row: Math.floor(i / cols), col: i % cols, name: `tile_${i}.tif`, block: [TILE, TILE] });
  const tiles = Array.from({ length: INDEX_TILES }, tile);
  const rendering = (directory) => () => renderIndex({ directory, raster, tiles }, "0".repeat(64));
  const id = "0".repeat(26);
  const forms = { ".vrt": rendering(`out_tiles.000001-${id}`), ".gti.fgb": rendering(`out_gti.000001-${id}`) };
  const results = await takeTurns(forms, { rounds: 9 });
  const target = `<= ${INDEX_MS_MAX}`;
  return Object.entries(results).map(([form, { ms }]) => ({
    id: `index of ${INDEX_TILES} tiles, ${form}`,
    value: round(ms, 0),
    unit: "ms",
    target,
    met: ms <= INDEX_MS_MAX,
  }));
}

function memory(dir) {
  const { width, height } = WIDE;
  const args = [child("tiles"), dir, width, height, BUDGET_MIB * 2 ** 20].map(String);
  const { peakBytes, tileCount, windows, oftenest } = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  const value = Math.round(peakBytes / 2 ** 20);
  return {
    id: `peak memory, a source of ${width} x ${height} float32`,
    value,
    unit: "MiB",
    target: `<= ${BUDGET_MIB}, each window once`,
    met: value <= BUDGET_MIB && windows === tileCount && oftenest === 1,
    note: `${tileCount} tiles, ${windows} windows, none asked for more than ${oftenest === 1 ? "once" : `${oftenest} times`}; the values are ${Math.round((width * height * 4) / 2 ** 20)} MiB`,
  };
}
