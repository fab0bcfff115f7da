/** `holdfast tiles build`: what its user sees, and what is on the disk after it was stopped. */
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, it, type TestContext } from "node:test";
import { encodeGeoTiff, type GeoTiffImage } from "holdfast/tiles/geotiff";
import { countText } from "../../dist/cli/table.js";
import { gdalValues, native, needsGdal } from "../support/gdal.ts";
import { needsPosix, needsTerminal } from "../support/needs.ts";
import { bytesOf, randomImage } from "../support/rasters.ts";
import { names, tempDir } from "../support/temp-dir.ts";
import { generations, valuesOf } from "../support/tile-files.ts";
import { assertForPeople, type Ended, holdfast, jsonLine, MAIN, ROOT, type Running, start, startProgram } from "./command.ts";

interface Place {
  readonly dir: string;
  readonly image: GeoTiffImage;
  readonly vrt: string;
  readonly build: (...args: readonly string[]) => Promise<Ended>;
}

async function placed(t: TestContext, image = randomImage("float32", 70, 50, 1, 1), name = "out.vrt"): Promise<Place> {
  const dir = tempDir(t);
  const placedAt = { crs: 32633, geoTransform: [5e5, 10, 0, 5.3e6, 0, -10], blockSize: 16 } as const;
  const options = image.data instanceof Float32Array ? { ...placedAt, nodata: Number.NaN } : placedAt;
  fs.writeFileSync(path.join(dir, "in.tif"), await encodeGeoTiff(image, options));
  const build = (...args: readonly string[]): Promise<Ended> =>
    holdfast(["tiles", "build", ...args, "in.tif", name], "", { cwd: dir });
  return { dir, image, vrt: path.join(dir, name), build };
}

/** What it says on standard error, but for the progress, which is seen where the machine is slow. */
const saidBy = ({ stderr }: Ended): string => stderr.replaceAll(/^tiles \[.*\n/gm, "");

describe("holdfast tiles build", { concurrency: 3 }, () => {
  it("says what it wrote, which ls, verify and GDAL find", async (t) => {
    const { dir, image, vrt, build } = await placed(t, undefined, "a & b \u00fc.vrt");
    const built = await build("--tile-size", "16", "--compression", "deflate", "--level", "1", "--predictor", "float");
    assert.deepEqual([built.code, saidBy(built)], [0, ""]);
    assert.match(built.stdout, /^wrote 20 tiles, [\d.]+ kB, to \S.*_tiles\.000001-\w+ \((durable|atomic|volatile)\)\n$/);
    assertForPeople(built);
    assert.deepEqual(await valuesOf(vrt), bytesOf(image));
    assert.match(
      (await holdfast(["tiles", "ls", vrt])).stdout,
      /EPSG:32633\ntransform 500000 10 0 5300000 0 -10\nno data is nan\n/,
    );
    assert.equal((await holdfast(["tiles", "verify", vrt])).code, 0);
    if (needsGdal === false) assert.deepEqual(await gdalValues(native, vrt, image), bytesOf(image));
    assert.ok(names(dir).includes("a & b \u00fc.vrt"));
  });

  it("--json: one object, also with what is not kept; for people that is on standard error", async (t) => {
    const { dir, build } = await placed(t);
    fs.writeFileSync(path.join(dir, "in.tif.aux.xml"), "<PAMDataset/>");
    const json = await build("--json", "--memory", "1M", "--concurrency", "2", "--compression", "none", "--crs", "3035");
    const { type, tileCount, notKept, resumedCount } = jsonLine(json.stdout);
    assert.deepEqual([json.code, json.stderr], [0, ""]);
    assert.deepEqual([type, tileCount, resumedCount, notKept], ["built", 1, 0, ["what is in in.tif.aux.xml"]]);
    const forPeople = await build();
    assert.deepEqual([forPeople.code, saidBy(forPeople)], [0, "holdfast: not kept of in.tif: what is in in.tif.aux.xml\n"]);
    assert.equal(generations(dir).length, 2, "the old version stays for who has it open");
  });

  it("a raster tile index, by its name: found whole, and made again when it is lost", async (t) => {
    const { dir, image, vrt, build } = await placed(t, undefined, "out.gti.fgb");
    assert.equal((await build("--tile-size", "32")).code, 0);
    const run = (word: string): Promise<Ended> => holdfast(["tiles", word, "--json", vrt]);
    assert.deepEqual(jsonLine((await run("verify")).stdout)["damagedCount"], 0);
    fs.rmSync(vrt);
    assert.equal((await run("verify")).code, 1);
    assert.equal((await run("repair")).code, 4);
    assert.ok(bytesOf(image).equals(await valuesOf(vrt)));
    fs.writeFileSync(path.join(dir, "plain.tif"), await encodeGeoTiff(image));
    const { code, stderr } = await holdfast(["tiles", "build", "plain.tif", "plain.gti.fgb"], "", { cwd: dir });
    assert.equal(code, 2);
    assert.match(stderr, /needs option geoTransform/);
  });

  it("--overviews: each tile has smaller versions of itself, as encodeGeoTiff makes them", async (t) => {
    const { dir, image, build } = await placed(t, randomImage("uint8", 300, 280, 1, 1));
    assert.equal((await build("--tile-size", "512", "--overviews", "nearest")).code, 0);
    const options = { crs: 32633, geoTransform: [5e5, 10, 0, 5.3e6, 0, -10], overviews: "nearest" } as const;
    const tile = fs.readFileSync(path.join(dir, generations(dir)[0] ?? "", "tile_00_00.tif"));
    assert.ok(tile.equals(await encodeGeoTiff(image, options)));
    assert.ok(tile.length > (await encodeGeoTiff(image, { ...options, overviews: undefined })).length);
  });

  it("--leftovers says what becomes of the tiles of another program", async (t) => {
    const { dir, image, vrt, build } = await placed(t);
    const foreign = path.join(dir, "out_tiles");
    fs.mkdirSync(foreign);
    fs.writeFileSync(path.join(foreign, "tile.tif"), "theirs");
    const refused = await build();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /another program/);
    const built = await build("--leftovers", "quarantine");
    assert.equal(built.code, 0);
    const [, moved = ""] = /^what another program had left is now (.*)$/m.exec(built.stdout) ?? [];
    assert.deepEqual(fs.readdirSync(moved), ["tile.tif"]);
    assert.deepEqual(await valuesOf(vrt), bytesOf(image));
  });

  it("an input that is no good: exit code 1, no stack, and the old version stays", async (t) => {
    const { dir, image, vrt, build } = await placed(t);
    await build();
    const before = names(dir);
    const whole = fs.readFileSync(path.join(dir, "in.tif"));
    for (const [bytes, code, says] of [
      [whole.subarray(0, -1), "SOURCE_FAILED", /^holdfast: the input is damaged: block \d+ ends at byte/],
      [Buffer.from("no TIFF"), "UNSUPPORTED", /^holdfast: the input is not a TIFF; nothing was changed on disk/],
    ] as const) {
      fs.writeFileSync(path.join(dir, "in.tif"), bytes);
      const [text, json] = await Promise.all([build(), build("--json")]);
      assert.deepEqual([text.code, json.code, text.stdout, json.stdout], [1, 1, "", ""]);
      assert.match(text.stderr, says);
      assertForPeople(text);
      const failure = jsonLine(json.stderr);
      assert.deepEqual([failure["code"], failure["outcome"]], [code, "unchanged"]);
    }
    fs.rmSync(path.join(dir, "in.tif"));
    assert.match((await build()).stderr, /^holdfast: there is no such input/);
    assert.deepEqual(
      names(dir),
      before.filter((name) => name !== "in.tif"),
    );
    assert.deepEqual(await valuesOf(vrt), bytesOf(image));
  });

  it("wrong usage: exit code 2, and nothing is made", async (t) => {
    const { dir, build } = await placed(t);
    const wrong: [args: string[], says: RegExp][] = [
      [["--tile-size", "0"], /whole number from 1 to 16384/],
      [["--compression", "lzw"], /Allowed choices are none, deflate, zstd/],
      [["--compression", "none", "--predictor", "float"], /predictor needs a compression/],
      [["--memory", "1T"], /number of bytes, with k, M or G/],
      [["--memory", "2000"], /memoryBudgetBytes must be at least/],
    ];
    for (const [args, says] of wrong) {
      const ended = await build(...args);
      assert.equal(ended.code, 2, args.join(" "));
      assert.match(ended.stderr, says);
      assertForPeople(ended);
    }
    assert.equal((await holdfast(["tiles", "build", "in.tif", "out.tif"], "", { cwd: dir })).code, 2);
    assert.deepEqual(names(dir), ["in.tif"]);
  });

  it("without the package geotiff: says how to install it", async (t) => {
    const { dir } = await placed(t);
    const copy = path.join(tempDir(t), "holdfast");
    fs.cpSync(path.join(ROOT, "dist"), path.join(copy, "dist"), { recursive: true });
    for (const name of ["package.json", "node_modules/commander"])
      fs.cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
    const { ended } = start(["tiles", "build", "--json", "in.tif", "out.vrt"], { cwd: dir }, path.join(copy, "dist/cli/main.js"));
    const { code, stdout, stderr } = await ended;
    assert.deepEqual([code, stdout], [1, ""]);
    const failure = jsonLine(stderr);
    assert.deepEqual([failure["code"], failure["outcome"]], ["UNSUPPORTED", "unchanged"]);
    assert.match(String(failure["message"]), /needs the package geotiff, which can't be loaded: npm install geotiff/);
    assert.deepEqual(names(dir), ["in.tif"]);
  });

  it("on a terminal: a bar with tiles, tiles a second and time left", { skip: needsTerminal }, async (t) => {
    // It comes after a second: the work grows until there is one.
    for (let side = 800, seconds = 0; seconds < 2; side *= 2) {
      const { dir } = await placed(t, randomImage("uint8", side, side, 1, 1));
      const line = ["exec", process.execPath, MAIN, "tiles", "build", "--tile-size", "16", "in.tif", "out.vrt"].join(" ");
      const beganMs = performance.now();
      const { stdout, code } = await startProgram("script", ["-qec", line, "/dev/null"], { cwd: dir }).ended;
      seconds = (performance.now() - beganMs) / 1000;
      assert.equal(code, 0);
      if (seconds < 2) continue;
      const count = (side / 16) ** 2;
      assert.match(
        stdout,
        new RegExp(`\\rtiles \\[#* *\\] \\d+% [\\d,]+/${countText(count)}, [\\d,]+/s, \\d+ s left, [\\d.]+ [kM]?B`),
      );
      assert.ok(stdout.includes(`\r\x1b[Kwrote ${countText(count)} tiles`), "the bar is taken away");
    }
  });
});

describe("holdfast tiles build that is stopped", { skip: needsPosix, concurrency: 2 }, () => {
  /** Resolves once so many tiles are on the disk. */
  async function made(dir: string, count: number, { ended }: Running): Promise<void> {
    const tiles = (): number => generations(dir).flatMap((name) => fs.readdirSync(path.join(dir, name))).length;
    const watchers: fs.FSWatcher[] = [];
    const changed = (at: string): Promise<unknown> => {
      const watcher = fs.watch(at);
      watchers.push(watcher);
      return once(watcher, "change");
    };
    try {
      while (tiles() < count) {
        const [name] = generations(dir);
        const heard = changed(name === undefined ? dir : path.join(dir, name));
        if (tiles() >= count) break;
        if (generations(dir)[0] === name) assert.ok(Array.isArray(await Promise.race([heard, ended])), "it has ended before");
      }
    } finally {
      for (const watcher of watchers) watcher.close();
    }
  }
  const args = ["tiles", "build", "--resume", "--tile-size", "16", "--concurrency", "1", "--json", "in.tif", "out.vrt"];

  it("by SIGKILL: the same call goes on, and the result is that of a fresh one", async (t) => {
    const { dir, image, vrt } = await placed(t, randomImage("int16", 640, 256, 1, 1));
    const running = start(args, { cwd: dir });
    await made(dir, 50, running);
    running.child.kill("SIGKILL");
    assert.equal((await running.ended).signal, "SIGKILL");
    assert.ok(!fs.existsSync(vrt));
    const { code, stdout } = await holdfast(args, "", { cwd: dir });
    assert.equal(code, 0);
    const resumed = Number(jsonLine(stdout)["resumedCount"]);
    assert.ok(resumed >= 49 && resumed < 640, `${resumed}`);
    assert.equal(generations(dir).length, 1);
    assert.deepEqual(await valuesOf(vrt), bytesOf(image));
  });

  it("by SIGINT: exit code 130, and without --resume nothing is left", async (t) => {
    const { dir } = await placed(t, randomImage("int16", 640, 256, 1, 1));
    const running = start(
      args.filter((arg) => arg !== "--resume"),
      { cwd: dir },
    );
    await made(dir, 10, running);
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.ended;
    assert.deepEqual([code, stdout], [130, ""]);
    assert.equal(jsonLine(stderr)["code"], "ABORTED");
    assert.deepEqual(names(dir), ["in.tif", "out.vrt.lock"]);
  });
});
