/** Random transactions do to a disk what their operations, one by one, do to a model of it. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { onDisk, SimDisk } from "holdfast/sim";
import { type TransactionSync, transactionSync } from "holdfast/tx";
import { deep } from "../support/deep.ts";
import { type Seeded, seeded } from "../support/seeded.ts";
import { expectNoneLeft, put, ROOT, treeOf } from "../support/transactions.ts";

const RUNS = deep ? 5000 : 100;
const OPERATIONS_MAX = 10;

/** Files by path. Directories are there as long as there is something in them, and then for ever. */
class Model {
  files = new Map<string, string>();
  directories = new Set<string>();

  add(path: string, text: string): void {
    for (let at = path; at.includes("/"); ) {
      at = at.slice(0, at.lastIndexOf("/"));
      this.directories.add(at);
    }
    this.files.set(path, text);
  }

  kindOf(path: string): "directory" | "file" | undefined {
    return this.files.has(path) ? "file" : this.directories.has(path) ? "directory" : undefined;
  }

  /** Whether all above a path are directories, or can be made. */
  canHold(path: string): boolean {
    const names = path.split("/");
    return names.every((_, index) => index === 0 || !this.files.has(names.slice(0, index).join("/")));
  }

  take(path: string): Map<string, string> {
    const taken = new Map<string, string>();
    for (const [name, text] of this.files) {
      if (name !== path && !name.startsWith(`${path}/`)) continue;
      taken.set(name.slice(path.length), text);
      this.files.delete(name);
    }
    for (const name of [...this.directories]) if (name === path || name.startsWith(`${path}/`)) this.directories.delete(name);
    return taken;
  }

  tree(): Record<string, string> {
    const isEmpty = (dir: string): boolean =>
      ![...this.files.keys(), ...this.directories].some((name) => name.startsWith(`${dir}/`));
    const empty = [...this.directories].filter(isEmpty).map((dir) => [`${dir}/`, ""] as const);
    return Object.fromEntries([...this.files, ...empty].sort());
  }
}

const PATHS = ["a", "b", "c", "d/a", "d/b", "d/e/a", "d", "d/e", "f/a", "f"];

/** Does something that can be done, to both. */
function operate(tx: TransactionSync, model: Model, random: Seeded, text: string): string {
  const path = random.of(...PATHS);
  const kind = model.kindOf(path);
  const choice = random.int(4);
  if (choice === 0 && kind !== "directory" && model.canHold(path)) {
    model.add(path, text);
    tx.write(path, text);
    return `write ${path}`;
  }
  if (choice === 1 && kind !== undefined) {
    model.take(path);
    tx.remove(path, { recursive: true });
    return `remove ${path}`;
  }
  const to = random.of(...PATHS);
  const apart = path !== to && !path.startsWith(`${to}/`) && !to.startsWith(`${path}/`);
  const fits = kind === "file" ? model.kindOf(to) !== "directory" : model.kindOf(to) === undefined;
  if (choice === 2 && kind !== undefined && apart && fits && model.canHold(to)) {
    const directories = [...model.directories].filter((name) => name === path || name.startsWith(`${path}/`));
    const taken = model.take(path);
    for (const [name, content] of taken) model.add(to + name, content);
    for (const name of directories) model.add(`${to}${name.slice(path.length)}/x`, "");
    for (const name of directories) model.files.delete(`${to}${name.slice(path.length)}/x`);
    tx.rename(path, to);
    return `rename ${path} ${to}`;
  }
  if (choice === 3 && kind !== "file" && model.canHold(path)) {
    model.take(path);
    model.add(`${path}/n/${text}`, text);
    tx.writeDirectory(path, { replace: true }).writeFile(`n/${text}`, text);
    return `writeDirectory ${path}`;
  }
  return "";
}

it("they agree", async (t) => {
  const random = seeded(t);
  for (let run = 0; run < RUNS; run++) {
    const disk = new SimDisk();
    const model = new Model();
    for (const path of ["a", "b", "d/a", "d/e/a", "f/a"]) if (random.int(4) > 0) model.add(path, `old ${path}`);
    put(model.tree())(disk);
    const done: string[] = [];
    await onDisk(disk, async () => {
      transactionSync(ROOT, (tx) => {
        for (let left = random.int(OPERATIONS_MAX); left >= 0; left--) done.push(operate(tx, model, random, `${run}.${left}`));
        for (const path of PATHS)
          if (model.kindOf(path) !== "directory" && model.canHold(path))
            assert.equal(tx.read(path, "utf8"), model.files.get(path), `${done.join("; ")}: ${path}`);
      });
    });
    assert.deepEqual(Object.fromEntries(Object.entries(treeOf(disk)).sort()), model.tree(), done.join("; "));
    expectNoneLeft(disk);
  }
});
