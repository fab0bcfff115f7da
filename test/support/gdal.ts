/** GDAL as another reader of rasters: that of this machine, and those that npm installs, as WebAssembly. */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { GeoTiffImage } from "holdfast/tiles/geotiff";
import { needsPosix } from "./needs.ts";

interface GdalBand {
  readonly type: string;
  readonly block: readonly [number, number];
  readonly checksum: number;
  readonly colorInterpretation: string;
  readonly noDataValue?: number | string;
  readonly overviews?: readonly { readonly size: readonly [number, number]; readonly checksum: number }[];
}

export interface GdalInfo {
  readonly size: readonly [number, number];
  readonly geoTransform?: readonly number[];
  readonly coordinateSystem?: { readonly wkt: string };
  readonly metadata: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly bands: readonly GdalBand[];
}

/** What two files of the same raster have in common. */
export const factsOf = ({ size, geoTransform, coordinateSystem, bands }: GdalInfo): object => ({
  size,
  geoTransform,
  coordinateSystem,
  bands: bands.map(({ type, checksum, noDataValue, colorInterpretation }) => ({
    type,
    checksum,
    noDataValue,
    colorInterpretation,
  })),
});

/** One GDAL. It fails where GDAL only warns, as of a tile that is missing. */
export interface Gdal {
  readonly name: string;
  /** Why its tests are skipped. */
  readonly skip: string | false;
  /** What it says of a raster. */
  readonly info: (file: string) => Promise<GdalInfo>;
  /** Makes another raster of one, by gdal_translate. */
  readonly translate: (file: string, options: readonly string[]) => Promise<Buffer>;
}

const [, version] = /^GDAL (\d+\.\d+)/.exec(String(spawnSync("gdalinfo", ["--version"]).stdout)) ?? [];
export const needsGdal: string | false = version === undefined && "needs gdal-bin";
/** The first with the driver GTI. */
const needsGdal39 = needsGdal || (Number(version?.replace(".", "")) < 39 && `needs GDAL 3.9; gdal-bin is ${version}`);

/** That of this machine. */
export const native: Gdal = {
  name: "gdal-bin",
  skip: needsGdal,
  async info(file) {
    const { stdout, stderr, status } = spawnSync("gdalinfo", ["-json", "-checksum", file], { encoding: "utf8" });
    if (status !== 0 || /ERROR|Warning/.test(stderr)) throw new Error(`gdalinfo of ${file}: ${stderr}`);
    return JSON.parse(stdout) as GdalInfo;
  },
  async translate(file, options) {
    const made = `${file}.made.tif`;
    execFileSync("gdal_translate", ["-q", ...options, file, made], { stdio: "pipe" });
    const bytes = fs.readFileSync(made);
    fs.rmSync(made);
    return bytes;
  },
};

/** What of gdal3.js is used here; its own types are not of the entry for Node. */
interface Gdal3 {
  readonly open: (file: string) => Promise<{ readonly datasets: readonly object[]; readonly errors: readonly unknown[] }>;
  readonly close: (dataset: object) => Promise<void>;
  readonly gdalinfo: (dataset: object, options: readonly string[]) => Promise<object>;
  readonly gdal_translate: (dataset: object, options: readonly string[], name: string) => Promise<object>;
  readonly getFileBytes: (made: object) => Promise<Uint8Array>;
}

const require = createRequire(import.meta.url);
const complaints: string[] = [];
let loaded: Promise<Gdal3> | undefined;

/** It takes a second or two, and 200 MB. It looks for its files below the current directory, wherever it is. */
function load(): Promise<Gdal3> {
  const main = require.resolve("gdal3.js/node.js");
  const init = require(main) as (config: object) => Promise<Gdal3>;
  const at = path.relative(process.cwd(), path.join(path.dirname(main), "dist/package"));
  return init({ path: at, errorHandler: (message: string) => void complaints.push(message) });
}

let last: Promise<unknown> = Promise.resolve();

/** One after the other: what it makes has one name, and what it complains of is in one list. */
function withDataset<T>(file: string, use: (gdal: Gdal3, dataset: object) => Promise<T>): Promise<T> {
  const turn = last.then(() => useDataset(file, use));
  last = turn.catch(() => {});
  return turn;
}

async function useDataset<T>(file: string, use: (gdal: Gdal3, dataset: object) => Promise<T>): Promise<T> {
  loaded ??= load();
  const gdal = await loaded;
  complaints.length = 0;
  const { datasets, errors } = await gdal.open(file);
  const [dataset] = datasets;
  if (!dataset) throw new Error(`gdal3.js can't open ${file}: ${JSON.stringify(errors)}`);
  try {
    const result = await use(gdal, dataset);
    if (complaints.length === 0) return result;
  } catch (error) {
    complaints.push((error as { message: string }).message); // no Error
  } finally {
    await gdal.close(dataset);
  }
  throw new Error(`gdal3.js of ${file}: ${complaints.join("; ")}`);
}

const wasm: Gdal = {
  name: "gdal3.js",
  skip: needsPosix && "gdal3.js is asked on POSIX",
  info: (file) => withDataset(file, async (gdal, dataset) => (await gdal.gdalinfo(dataset, ["-checksum"])) as GdalInfo),
  translate: (file, options) =>
    withDataset(file, async (gdal, dataset) => {
      const made = await gdal.gdal_translate(dataset, ["-of", "GTiff", ...options], "made");
      return Buffer.from(await gdal.getFileBytes(made));
    }),
};

/** Each is asked the same. */
export const GDALS: readonly Gdal[] = [native, wasm];

/** What of gdal3.js 3 is used here. It has GDAL 3.10 without codecs and without the table of EPSG codes, and sees the files of the host. */
interface Gdal310 {
  readonly Gdal: {
    readonly allRegister: () => void;
    readonly openEx: (file: string, flags: number) => Dataset | null;
    readonly errorReset: () => void;
    readonly getLastErrorMsg: () => string;
  };
  readonly VectorString: new () => object;
  readonly toVector: (type: new () => object, texts: readonly string[]) => object;
}
interface Dataset {
  readonly info: (options: object) => string;
  readonly translate: (file: string, options: object) => Dataset;
  readonly flushCache: () => void;
}

/** All that was opened. It is never closed: both `close` and the collector would free it, and the second time breaks the memory. */
const opened: Dataset[] = [];

let loaded310: Promise<Gdal310> | undefined;

async function withDataset310<T>(
  file: string,
  use: (dataset: Dataset, textsOf: (texts: readonly string[]) => object) => T,
): Promise<T> {
  const main = require.resolve("gdal3js-next/node.js");
  loaded310 ??= (require(main) as (config: object) => Promise<Gdal310>)({ path: path.join(path.dirname(main), "dist") });
  const { Gdal, VectorString, toVector } = await loaded310;
  Gdal.allRegister();
  Gdal.errorReset();
  const dataset = Gdal.openEx(file, 0x02 | 0x40); // a raster, and errors are told
  const said = (): string => Gdal.getLastErrorMsg();
  if (!dataset) throw new Error(`GDAL 3.10 can't open ${file}: ${said()}`);
  opened.push(dataset);
  const result = use(dataset, (texts) => toVector(VectorString, texts));
  if (said() === "") return result;
  throw new Error(`GDAL 3.10 of ${file}: ${said()}`);
}

const wasm310: Gdal = {
  name: "gdal3.js 3",
  skip: wasm.skip,
  info: (file) =>
    withDataset310(file, (dataset, textsOf) => JSON.parse(dataset.info(textsOf(["-json", "-checksum"]))) as GdalInfo),
  translate: (file, options) =>
    withDataset310(file, (dataset, textsOf) => {
      const made = `${file}.made.tif`;
      const written = dataset.translate(made, textsOf(["-of", "GTiff", ...options]));
      opened.push(written);
      written.flushCache();
      const bytes = fs.readFileSync(made);
      fs.rmSync(made);
      return bytes;
    }),
};

/** Those that know raster tile indexes. */
export const GTI_GDALS: readonly Gdal[] = [{ ...native, skip: needsGdal39 }, wasm310];

const PLAIN = ["COMPRESS=NONE", "TILED=NO", "INTERLEAVE=PIXEL", "BIGTIFF=NO", "SPARSE_OK=NO"];

/** The values that GDAL reads, as they are in memory. Written by GDAL as one strip without compression. */
export async function gdalValues(gdal: Gdal, file: string, image: GeoTiffImage, more: readonly string[] = []): Promise<Buffer> {
  const { width, height, bands = 1, data } = image;
  const options = [...PLAIN, `BLOCKYSIZE=${height}`].flatMap((option) => ["-co", option]);
  const bytes = await gdal.translate(file, [...options, ...more]);
  const [offset, count] = [stripTag(bytes, 273), stripTag(bytes, 279)];
  if (count !== width * height * bands * data.BYTES_PER_ELEMENT) throw new Error(`GDAL has ${count} bytes of ${file}`);
  return bytes.subarray(offset, offset + count);
}

/** The number of a tag that has one, in a classic little-endian file. */
function stripTag(bytes: Buffer, wanted: number): number {
  const start = bytes.readUInt32LE(4);
  for (let i = 0; i < bytes.readUInt16LE(start); i++) {
    const entry = start + 2 + i * 12;
    if (bytes.readUInt16LE(entry) !== wanted) continue;
    return bytes.readUInt16LE(entry + 2) === 3 ? bytes.readUInt16LE(entry + 8) : bytes.readUInt32LE(entry + 8);
  }
  throw new Error(`no tag ${wanted}`);
}
