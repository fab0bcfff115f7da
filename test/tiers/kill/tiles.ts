/** Tile sets: many files of which one is the commit. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { writeFile } from "holdfast";
import { openTileSet, repairTileSet, writeTileSet } from "holdfast/tiles";
import type { Scenario } from "./scenario.ts";

const indexIn = (dir: string): string => path.join(dir, "out.vrt");
const [WIDTH, HEIGHT] = [4, 2];

/** Two tiles whose pixels all have the number of the version. */
export async function put(dir: string, version: number): Promise<void> {
  const data = new Uint8Array(WIDTH * HEIGHT).fill(version);
  await writeTileSet(indexIn(dir), { data, width: WIDTH, height: HEIGHT }, { tileSize: 2, compression: "none" });
}

/** As a program sees it that knows nothing of Holdfast: what the index names. */
function seen(dir: string): string {
  const index = fs.existsSync(indexIn(dir)) ? fs.readFileSync(indexIn(dir), "utf8") : undefined;
  if (index === undefined) return "absent";
  const tiles = [...index.matchAll(/<SourceFilename relativeToVRT="1">([^<]*)</g)].map(([, name = ""]) => path.join(dir, name));
  // The blocks are the end of a file, and have a pixel first.
  const values = tiles.map((tile) => (fs.existsSync(tile) ? fs.readFileSync(tile).at(-256) : "gone"));
  return `${index.endsWith("-->\n") ? "whole" : "torn"} ${values.join(" ")}`;
}

/** What an interrupted write has left is not there after a repair, and the set can be read, and written again. */
async function recover(dir: string): Promise<void> {
  const before = seen(dir);
  await writeFile(path.join(dir, "other"), ""); // removes a staged index, as the next tile set would
  assert.deepEqual((await repairTileSet(indexIn(dir))).damaged, []);
  assert.equal(seen(dir), before);
  const copy = fs.mkdtempSync(`${dir}-again-`);
  try {
    fs.cpSync(dir, copy, { recursive: true });
    const set = await openTileSet(indexIn(copy)); // which leaves a lock file
    await set.read({ x: 0, y: 0, width: WIDTH, height: HEIGHT });
    await set.close();
    await put(copy, 3);
    assert.equal(seen(copy), "whole 3 3");
    const unmarked = fs
      .readdirSync(copy)
      .filter((name) => /_tiles\./.test(name) && !fs.existsSync(path.join(copy, name, "committed")));
    assert.deepEqual(unmarked, []);
  } finally {
    fs.rmSync(copy, { recursive: true });
  }
}

let fixture: string | undefined;

/** The first version, made once by another process, as nothing waits here. A tile set can be copied. */
function withFirst(dir: string): void {
  if (fixture === undefined) {
    const made = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-tiles-"));
    process.once("exit", () => fs.rmSync(made, { recursive: true, force: true }));
    const script = `import(${JSON.stringify(import.meta.url)}).then(({ put }) => put(${JSON.stringify(made)}, 1));`;
    execFileSync(process.execPath, ["-e", script], { stdio: "inherit" });
    fixture = made;
  }
  fs.cpSync(fixture, dir, { recursive: true });
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "writeTileSet",
    module: import.meta.url,
    setup: withFirst,
    run: (dir) => put(dir, 2),
    observe: seen,
    states: ["whole 1 1", "whole 2 2"],
    recover,
  },
];
