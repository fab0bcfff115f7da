/** Repair is crashed itself, at every moment, and done again: a directory is old or new, and nothing of the dead is left. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stageDirectory } from "holdfast";
import { diagnose } from "holdfast/doctor";
import { type SimDisk, type SimDiskOptions, type SweepOptions, sweep } from "holdfast/sim";
import { parseOurName } from "../../dist/format/names.js";
import { deep, needsWide } from "../support/deep.ts";
import { repairAll } from "./remains.ts";

const OLD = { "/app/site/a": "old" };
const NEW = { "/app/site/a": "new", "/app/site/b": "new" };

async function publish(): Promise<void> {
  const staged = await stageDirectory("/app/site", { replace: true });
  for (const name of ["a", "b"]) await staged.writeFile(name, "new");
  await staged.commit();
}

function contentOf(disk: SimDisk): Record<string, string> {
  return Object.fromEntries(Object.entries(disk.tree()).filter(([path]) => /^\/app\/site\/./.test(path)));
}

const partOf = (path: string): string | undefined => parseOurName(path.replace(/\/$/, "").split("/").at(-1) ?? "")?.part;

function scenario(options: SimDiskOptions, repairs: Set<string>): SweepOptions {
  return {
    disk: options,
    setup: (disk) => Object.entries(OLD).forEach(([path, text]) => void disk.writeFile(path, text)),
    run: publish,
    recover: () => repairAll("/app", repairs),
    check({ disk, finished }) {
      const found = contentOf(disk);
      const isNew = JSON.stringify(found) === JSON.stringify(NEW);
      assert.ok(isNew || (!finished && JSON.stringify(found) === JSON.stringify(OLD)), JSON.stringify(found));
      const left = Object.keys(disk.tree()).filter((path) => partOf(path) && !(options.platform && partOf(path) === "stage"));
      assert.deepEqual(left, [], "something of the dead is left");
    },
  };
}

const WAYS: Readonly<Record<string, SimDiskOptions>> = {
  "in two steps": { exchanges: false },
  ...(deep ? { "file by file": { layered: true }, "on Windows": { platform: "windows" } } : {}),
};

const ID = "0".repeat(26);

/** A commit that can't be finished, as its record is damaged: all that there is of it must be kept. */
const damaged: SweepOptions = {
  setup(disk) {
    disk.writeFile(`/app/.holdfast-dir-${ID}/a`, "new");
    disk.writeFile(`/app/.holdfast-aside-${ID}/a`, "old");
    disk.writeFile(`/app/.holdfast-journal-${ID}`, "damaged");
    disk.writeFile(`/app/.holdfast-dir-${ID}.lock`, "");
  },
  run: () => diagnose("/app", { repair: true }),
  recover: () => diagnose("/app", { repair: true }),
  check({ disk }) {
    const tree = disk.tree();
    assert.equal(tree[`/app/.holdfast-quarantine-${ID}/a`], "new");
    assert.equal(tree[`/app/.holdfast-quarantine-old-${ID}/a`], "old");
    assert.equal(tree[`/app/.holdfast-quarantine-journal-${ID}`], "damaged");
    assert.deepEqual(
      Object.keys(tree).filter((path) => partOf(path)?.startsWith("quarantine") === false),
      [],
    );
  },
};

describe("repair, crashed", () => {
  it("loses nothing of a commit that can't be finished", async (t) => {
    const { violations, states, text } = await sweep({ ...damaged, depth: 2 });
    t.diagnostic(`${states} states`);
    assert.equal(violations, 0, text);
  });

  it("would lose it without the barrier before the record goes, and the sweep notices", async () => {
    const { violations } = await sweep({ ...damaged, sabotage: "no-directory-sync" });
    assert.ok(violations > 0);
  });

  for (const [name, options] of Object.entries(WAYS)) {
    it(`finishes or removes a directory that is replaced ${name}`, { skip: needsWide }, async (t) => {
      const repairs = new Set<string>();
      const { violations, states, text } = await sweep({ ...scenario(options, repairs), depth: 2 });
      t.diagnostic(`${states} states`);
      assert.equal(violations, 0, text);
      assert.deepEqual([...repairs].sort(), ["recovered", "removed"], "both were needed");
    });
  }
});
