/** The profiles of single file systems: what each keeps together, and that none leaves what `strict` does not. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { builtinSweeps, SimDisk, sweep } from "holdfast/sim";
import type { IoSync } from "../../dist/io/io.js";
import { action, NAMES, perform } from "./actions.ts";

const REAL = ["ext4", "xfs", "btrfs"] as const;
type Real = (typeof REAL)[number];
type Expected = Readonly<Record<Real, readonly string[]>>;

const BLOCK = 4096;
/** Few enough for all subsets to be visited, and in little time. */
const OPS_MAX = 8;

const put = (io: IoSync, path: string, text: string, sync = false, position = 0): void => {
  const file = io.open(path, io.lstat(path) ? "edit" : "create");
  io.write(file, new TextEncoder().encode(text), position);
  if (sync) io.syncFile(file);
  io.close(file);
};

/** All files of a disk as `/d/f=a3`, each run of a letter with its length. */
function shown(disk: SimDisk): string {
  const files = Object.entries(disk.tree()).filter(([path]) => !path.endsWith("/"));
  const runs = (text: string): string =>
    text.replace(/([\s\S])\1*/g, (run, letter: string) => `${letter === "\0" ? "NUL" : letter}${run.length}`);
  return files.map(([path, text]) => `${path}=${runs(text)}`).join(" ");
}

/** What each profile leaves of `requests` on a disk with these files in /d, and an empty /e. */
function leaves(files: Readonly<Record<string, string>>, requests: (io: IoSync) => void, expected: Expected): void {
  for (const profile of REAL) {
    const disk = new SimDisk();
    disk.makeDir("/d");
    disk.makeDir("/e");
    for (const [name, text] of Object.entries(files)) disk.writeFile(`/d/${name}`, text);
    requests(disk.process().sync);
    const seen = new Set([...disk.powerLossStates(profile)].map(shown));
    assert.deepEqual([...seen].sort(), [...expected[profile]].sort(), profile);
  }
}

const all = (...states: readonly string[]): Expected => ({ ext4: states, xfs: states, btrfs: states });

describe("ext4, xfs and btrfs", () => {
  it("a new file that is synced is there, with its name", () => {
    leaves({}, (io) => put(io, "/d/f", "x", true), all("/d/f=x1"));
  });

  it("so is the whole path to it, where its directories are new", () => {
    const requests = (io: IoSync): void => {
      io.makeDir("/d/a");
      io.makeDir("/d/a/b");
      put(io, "/d/a/b/f", "x", true);
    };
    leaves({}, requests, all("/d/a/b/f=x1"));
  });

  it("an append: only ext4 shows zeros", () => {
    const some = ["/d/f=a2500", "/d/f=a2500b1596", "/d/f=a2500b2500"];
    const zeros = ["/d/f=a2500NUL1596", "/d/f=a2500NUL1596b904", "/d/f=a2500NUL2500", "/d/f=a2500b1596NUL904"];
    const requests = (io: IoSync): void => put(io, "/d/f", "b".repeat(2500), false, 2500);
    leaves({ f: "a".repeat(2500) }, requests, { ext4: [...some, ...zeros], xfs: some, btrfs: some });
  });

  it("what is overwritten arrives block by block", () => {
    const requests = (io: IoSync): void => put(io, "/d/f", "b".repeat(2 * BLOCK));
    leaves({ f: "a".repeat(2 * BLOCK) }, requests, all("/d/f=a8192", "/d/f=a4096b4096", "/d/f=b4096a4096", "/d/f=b8192"));
  });

  it("a directory sync alone: the name is there, and on ext4 perhaps zeros", () => {
    const requests = (io: IoSync): void => {
      put(io, "/d/f", "x");
      io.syncDir("/d");
    };
    const data = ["/d/f=", "/d/f=x1"];
    leaves({}, requests, { ext4: [...data, "/d/f=NUL1"], xfs: data, btrfs: data });
  });

  it("names are lost in order, on btrfs in any", () => {
    const requests = (io: IoSync): void => {
      io.unlink("/d/a");
      io.unlink("/e/../d/b");
    };
    const ordered = ["/d/a= /d/b=", "/d/b=", ""];
    leaves({ a: "", b: "" }, requests, { ext4: ordered, xfs: ordered, btrfs: [...ordered, "/d/a="] });
  });

  it("the sync of another file commits earlier changes of names, not on btrfs", () => {
    const requests = (io: IoSync): void => {
      io.rename("/d/a", "/d/b");
      put(io, "/d/o", "p", true);
    };
    leaves({ a: "x", o: "o" }, requests, {
      ext4: ["/d/b=x1 /d/o=p1"],
      xfs: ["/d/b=x1 /d/o=p1"],
      btrfs: ["/d/a=x1 /d/o=p1", "/d/b=x1 /d/o=p1"],
    });
  });

  it("but a sync of a file that has not changed since commits nothing later", () => {
    const requests = (io: IoSync): void => {
      const file = io.open("/d/o", "edit");
      io.rename("/d/a", "/d/b");
      io.syncFile(file);
    };
    leaves({ a: "x", o: "o" }, requests, all("/d/a=x1 /d/o=o1", "/d/b=x1 /d/o=o1"));
  });

  it("a rename between directories: both names on btrfs only, until both directories are synced", () => {
    const move =
      (...synced: readonly string[]) =>
      (io: IoSync) => {
        io.rename("/d/a", "/e/a");
        for (const dir of synced) io.syncDir(dir);
      };
    const before = { a: "x" };
    const [old, both, moved] = ["/d/a=x1", "/d/a=x1 /e/a=x1", "/e/a=x1"];
    leaves(before, move(), { ext4: [old, moved], xfs: [old, moved], btrfs: [old, both, moved] });
    leaves(before, move("/e"), { ext4: [moved], xfs: [moved], btrfs: [both, moved] });
    leaves(before, move("/d"), all(moved));
  });

  it("a renamed directory: on btrfs the sync of a file in it leaves the old name possible", () => {
    const requests = (io: IoSync): void => {
      io.makeDir("/d/s");
      put(io, "/d/s/f", "x", true);
      io.syncDir("/d");
      io.rename("/d/s", "/d/t");
      put(io, "/d/t/f", "y", true);
    };
    leaves({}, requests, { ext4: ["/d/t/f=y1"], xfs: ["/d/t/f=y1"], btrfs: ["/d/s/f=y1", "/d/t/f=y1"] });
  });

  it("mode and name keep their order", () => {
    const requests = (io: IoSync): void => {
      const file = io.open("/d/a", "edit");
      io.setMode(file, 0o600);
      io.close(file);
      io.rename("/d/a", "/d/b");
    };
    for (const profile of REAL) {
      const disk = new SimDisk();
      disk.writeFile("/d/a", "x");
      requests(disk.process().sync);
      const modes = [...disk.powerLossStates(profile)].map((state) => state.process().sync.lstat("/d/b")?.mode);
      assert.equal(modes.includes(0o644), profile === "btrfs", profile);
    }
  });
});

describe("the profiles of file systems leave nothing that strict does not", () => {
  const statesOf = async (profile: Real | "strict", options: (typeof builtinSweeps)[number]["options"]): Promise<Set<string>> => {
    const states = new Set<string>();
    const { setup, run } = options;
    const check = ({ disk, acknowledged, finished }: Parameters<typeof options.check>[0]): void =>
      void states.add(JSON.stringify([disk.tree(), acknowledged, finished]));
    await sweep<string>({ setup, run, check, profile, sabotage: options.sabotage, disk: options.disk });
    return states;
  };
  // So much is pending there that states of strict are drawn: one that is missing tells nothing.
  const drawn = ["control-directory-no-sync"];
  for (const { name, options } of builtinSweeps.filter((one) => !drawn.includes(one.name))) {
    it(name, async () => {
      const strict = await statesOf("strict", options);
      for (const profile of REAL) {
        const outside = [...(await statesOf(profile, options))].filter((state) => !strict.has(state));
        assert.deepEqual(outside, [], profile);
      }
    });
  }

  const seed = Number(process.env["HOLDFAST_SEED"] ?? Date.now() % 2 ** 31);
  it(`random requests (seed ${seed})`, () => {
    let fewer = 0;
    const property = fc.property(fc.array(action, { maxLength: 4 }), (steps) => {
      const disk = new SimDisk();
      for (const path of NAMES.slice(0, 2)) disk.writeFile(path, "old");
      disk.makeDir("/e");
      const io = disk.process().sync;
      for (const step of steps) perform(io, step);
      fc.pre(disk.kernel.log.ops.length <= OPS_MAX);
      const trees = (profile: Real | "strict"): Set<string> => new Set([...disk.powerLossStates(profile)].map(shown));
      const strict = trees("strict");
      for (const profile of REAL) {
        const own = trees(profile);
        if (own.size < strict.size) fewer++;
        for (const tree of own) assert.ok(strict.has(tree), `${profile}: ${tree}`);
      }
    });
    fc.assert(property, { seed, numRuns: 100 });
    assert.ok(fewer > 0, "the profiles make no difference");
  });
});
