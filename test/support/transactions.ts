/** One transaction that does a bit of everything, and what can be seen of it: for crash, fault and order sweeps. */
import assert from "node:assert/strict";
import type { SimDisk, SimDiskOptions } from "holdfast/sim";
import { type Transaction, type TransactionResult, transaction } from "holdfast/tx";
import { deep } from "./deep.ts";
import { expectNothingLeft, oursOn } from "./directories.ts";

export { oursOn };

export const ROOT = "/app";

/** Text by path, relative to the root; a directory without files is `path/`. */
export type Tree = Readonly<Record<string, string>>;

export interface Change {
  readonly old: Tree;
  readonly change: (tx: Transaction) => unknown;
  readonly changed: Tree;
}

/** What every run of the tests has time for. */
export const TINY: Change = {
  old: { "a/log": "1" },
  change(tx) {
    tx.rename("a/log", "log");
    tx.write("a/log", "2");
  },
  changed: { "a/log": "2", log: "1" },
};

/** A new file and a replaced one, a rename, a removal, a directory of its own. */
export const SMALL: Change = {
  old: { "a/one": "old", "a/log": "1", "b/gone": "x" },
  change(tx) {
    tx.write("a/one", "new");
    tx.rename("a/log", "b/log.1");
    tx.write("a/log", "2");
    tx.remove("b/gone");
    tx.write("c/d/two", "two");
  },
  changed: { "a/log": "2", "a/one": "new", "b/log.1": "1", "c/d/two": "two" },
};

/** A directory that is replaced, one that is moved, and one that is new, whole. */
export const DIRECTORIES: Change = {
  old: { "site/index": "old", "site/gone": "x", "moved/a": "a" },
  async change(tx) {
    const site = await tx.writeDirectory("site", { replace: true });
    site.writeFile("index", "new");
    site.writeFile("sub/page", "page");
    tx.rename("moved", "m/moved");
  },
  changed: { "m/moved/a": "a", "site/index": "new", "site/sub/page": "page" },
};

/** Files that change places, and a file that becomes a directory. */
export const ENTANGLED: Change = {
  old: { a: "A", b: "B", x: "X" },
  change(tx) {
    tx.rename("a", "t");
    tx.rename("b", "a");
    tx.rename("t", "b");
    tx.rename("x", "y");
    tx.rename("y", "x/y");
  },
  changed: { a: "B", b: "A", "x/y": "X" },
};

/** 20 files in 6 directories, and a staged directory. */
export const LARGE: Change = {
  old: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`d${n % 6}/f${n}`, `old${n}`])),
  async change(tx) {
    for (let n = 0; n < 20; n++) tx.write(`d${n % 6}/f${n}`, `new${n}`);
    const site = await tx.writeDirectory("site");
    for (const name of ["a", "b"]) site.writeFile(name, name);
  },
  changed: {
    ...Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`d${n % 6}/f${n}`, `new${n}`])),
    "site/a": "a",
    "site/b": "b",
  },
};

export const CHANGES: Readonly<Record<string, Change>> = deep
  ? {
      "single files": SMALL,
      directories: DIRECTORIES,
      "entangled names": ENTANGLED,
      "20 files in 6 directories, and a staged directory": LARGE,
    }
  : { "a log that is rotated": TINY };

export const put =
  (tree: Tree) =>
  (disk: SimDisk): void => {
    disk.makeDir(ROOT);
    for (const [name, text] of Object.entries(tree)) disk.writeFile(`${ROOT}/${name}`, text);
  };

export const perform = ({ change }: Pick<Change, "change">): Promise<TransactionResult<unknown>> => transaction(ROOT, change);

/** What a process does that has other things to do in the root. */
export async function useRoot(): Promise<void> {
  await transaction(ROOT, () => {});
}

/** The files below the root, but for ours; directories that are empty with `/`. */
export function treeOf(disk: SimDisk): Tree {
  const tree = Object.entries(disk.tree()).filter(([path]) => path.startsWith(`${ROOT}/`) && !path.includes("/.holdfast-"));
  const isEmpty = (dir: string): boolean => tree.filter(([path]) => path.startsWith(dir)).length === 1;
  return Object.fromEntries(
    tree
      .filter(([path]) => !path.endsWith("/") || (path !== `${ROOT}/` && isEmpty(path)))
      .map(([path, text]) => [path.slice(ROOT.length + 1), text]),
  );
}

const sorted = (tree: Tree): string => JSON.stringify(Object.entries(tree).sort());

/** All old or all new; once it is finished, new. */
export function expectAllOrNothing(disk: SimDisk, finished: boolean, { old, changed }: Change): void {
  const found = sorted(treeOf(disk));
  assert.ok(
    [old, changed].some((tree) => sorted(tree) === found),
    `neither old nor new: ${found}`,
  );
  if (finished) assert.equal(found, sorted(changed), "it was acknowledged and is lost");
}

/** With nobody to recover: each file has the text that it had, or one that it was to get. */
export function expectWholeFiles(disk: SimDisk, { old, changed }: Change): void {
  const texts = new Set([...Object.values(old), ...Object.values(changed)]);
  for (const [path, text] of Object.entries(treeOf(disk))) {
    if (path.endsWith("/")) continue;
    assert.ok(path in old || path in changed ? [old[path], changed[path]].includes(text) : texts.has(text), `${path}: ${text}`);
  }
}

export function expectNoneLeft(disk: SimDisk, options: SimDiskOptions = {}): void {
  expectNothingLeft(disk, options);
  const claims = Object.keys(disk.tree()).filter((path) => /claims\/./.test(path) && !path.endsWith("/claims.lock"));
  assert.deepEqual(claims, [], "claims of a dead owner are left");
}
