/** Scenarios of staged directories, on the core programs as they ship. */
import assert from "node:assert/strict";
import * as nodePath from "node:path";
import { publishAtOnce, publishBySteps } from "../core/publish-tree.ts";
import { createTree, endTree, withTree } from "../core/staged-tree.ts";
import { sweepDead } from "../core/sweep.ts";
import { syncTree } from "../core/tree.ts";
import { writeStaged } from "../core/write-staged.ts";
import { parseOurName } from "../format/names.ts";
import { currentMachine } from "../io/current.ts";
import type { Program } from "../io/program.ts";
import { run } from "../io/run.ts";
import type { SimDisk } from "./disk.ts";
import type { SimDiskOptions } from "./platform.ts";
import type { SweepOptions } from "./scenario.ts";

const PARENT = "/app";
const DIR = "/app/site";
const OLD: Files = { a: "old", gone: "x" };
const NEW: Files = { a: "new", "sub/b": "b" };

type Files = Readonly<Record<string, string>>;
type Scenario = SweepOptions<string>;

/** Writes a directory, and puts it in the place of what is there. */
function* publish(): Program<void> {
  const staged = yield* createTree(PARENT, { mode: undefined, existing: undefined });
  const target = { dir: PARENT, name: nodePath.basename(DIR), path: DIR };
  const how = { replace: true, barrier: true };
  const body = function* (): Program<void> {
    for (const [name, text] of Object.entries(NEW))
      yield* writeStaged(staged.path, name.split("/"), new TextEncoder().encode(text));
    yield* syncTree(staged.path, true);
    const published = yield* publishAtOnce(staged, target, how);
    if (typeof published === "string") yield* publishBySteps(staged, target, how);
    yield* endTree(staged, false);
  };
  yield* withTree(staged, body());
}

/** On a disk of this kind, over a directory with these files, or none. Between the steps of a way that has several, the next start comes. */
function directory(old: Files | undefined, disk: SimDiskOptions): Scenario {
  return {
    disk,
    depth: 1,
    setup(it) {
      it.makeDir(old ? DIR : PARENT);
      for (const [name, text] of Object.entries(old ?? {})) it.writeFile(`${DIR}/${name}`, text);
    },
    run: () => run(publish(), currentMachine().io),
    recover: () => run(sweepDead(PARENT), currentMachine().io),
    check: ({ disk: found, finished }) => expectDirectory(found, finished, old),
  };
}

function expectDirectory(disk: SimDisk, finished: boolean, old: Files | undefined): void {
  const tree = disk.tree();
  const inside = Object.entries(tree).filter(([path]) => path.startsWith(`${DIR}/`) && !path.endsWith("/"));
  const found = `${DIR}/` in tree ? JSON.stringify(Object.fromEntries(inside)) : undefined;
  const [before, after] = [old, NEW].map((files) => files && JSON.stringify(atPaths(files)));
  assert.ok(found === before || found === after, `${DIR} is neither the old nor the new directory: ${found}`);
  assert.ok(!finished || found === after, `${DIR} is the old one, but the end of the commit was acknowledged`);
  const left = Object.keys(tree).find((path) => parseOurName(nodePath.basename(path)));
  assert.equal(left, undefined, `something of a dead owner is left: ${left}`);
}

const atPaths = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${DIR}/${name}`, text]));

/** Publishes a directory where there is none. */
export const publishDirectory: Scenario = directory(undefined, {});
/** Replaces a directory in one step. */
export const exchangeDirectory: Scenario = directory(OLD, {});
/** Replaces a directory in two steps, under a journal. */
export const swapDirectory: Scenario = directory(OLD, { exchanges: false });
/**
 * Replaces a directory file by file, under a journal. Not under `paranoid`, where a move between two directories can lose the file:
 * no file system is known that does.
 */
export const mergeDirectory: Scenario = { ...directory(OLD, { layered: true }), profile: "strict" };
