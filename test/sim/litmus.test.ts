/** The persistence model, one operation at a time: what a power loss may leave, and what it may not. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SimDisk } from "holdfast/sim";
import type { File, IoSync } from "../../dist/io/io.js";

type Profile = "paranoid" | "strict";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const BLOCK = 4096;

/** Runs requests on a disk and gives what each possible disk after a power loss shows, in order. */
function after(
  setup: (disk: SimDisk) => void,
  requests: (io: IoSync) => void,
  look: (disk: SimDisk) => unknown,
  profile: Profile = "strict",
): unknown[] {
  const disk = new SimDisk();
  setup(disk);
  requests(disk.process().sync);
  const seen = new Map([...disk.powerLossStates(profile)].map(look).map((value) => [String(value), value]));
  return [...seen.keys()].sort().map((key) => seen.get(key));
}

const writeNew = (io: IoSync, path: string, text: string): File => {
  const file = io.open(path, "create");
  io.write(file, bytes(text), 0);
  return file;
};
const emptyDir = (disk: SimDisk): void => disk.makeDir("/d");
const show = (path: string) => (disk: SimDisk) => {
  const content = disk.readFile(path);
  return content && runs(content);
};
/** "a*3 NUL*2" */
const runs = (content: Uint8Array): string =>
  [...new TextDecoder("latin1").decode(content).matchAll(/([\s\S])\1*/g)]
    .map(([run, letter]) => `${letter === "\0" ? "NUL" : letter}*${run.length}`)
    .join(" ");

describe("content", () => {
  const withA = (count: number) => (disk: SimDisk) => disk.writeFile("/d/f", "a".repeat(count));
  const overwrite =
    (count: number, position: number, sync = false) =>
    (io: IoSync) => {
      const file = io.open("/d/f", "edit");
      io.write(file, bytes("b".repeat(count)), position);
      if (sync) io.syncFile(file);
    };

  it("an overwrite inside the file reaches the disk block by block, in any order", () => {
    const seen = after(withA(2 * BLOCK), overwrite(2 * BLOCK, 0), show("/d/f"));
    assert.deepEqual(seen, ["a*4096 b*4096", "a*8192", "b*4096 a*4096", "b*8192"]);
  });

  it("an append shows zeros where its size comes first (Ferrite, ASPLOS'16: 2500 a, 1596 NUL)", () => {
    const seen = after(withA(2500), overwrite(2500, 2500), show("/d/f"));
    assert.deepEqual(seen, [
      "a*2500",
      "a*2500 NUL*1596",
      "a*2500 NUL*1596 b*904",
      "a*2500 NUL*2500",
      "a*2500 b*1596",
      "a*2500 b*1596 NUL*904",
      "a*2500 b*2500",
    ]);
  });

  it("paranoid shows in it what the disk held before, but never changes what was there", () => {
    const seen = after(withA(10), overwrite(5, 10), show("/d/f"), "paranoid") as string[];
    assert.ok(seen.includes("a*10 \u00db*5"), seen.join(" | "));
    assert.ok(seen.every((content) => content.startsWith("a*10")));
  });

  it("a synced write stays, whatever else is lost", () => {
    assert.deepEqual(after(withA(2500), overwrite(2500, 2500, true), show("/d/f")), ["a*2500 b*2500"]);
  });

  it("a sync covers only what was written before it", () => {
    const requests = (io: IoSync): void => {
      const file = io.open("/d/f", "edit");
      io.syncFile(file);
      io.write(file, bytes("b"), 0);
    };
    assert.deepEqual(after(withA(1), requests, show("/d/f")), ["a*1", "b*1"]);
  });

  it("after a failed sync a sync that succeeds proves nothing", () => {
    const disk = new SimDisk();
    withA(1)(disk);
    const io = disk.process({ faults: [{ op: "syncFile", errno: "EIO" }] }).sync;
    const file = io.open("/d/f", "edit");
    io.write(file, bytes("b"), 0);
    assert.throws(() => io.syncFile(file), { code: "EIO", syscall: "fsync" });
    io.syncFile(file);
    assert.equal(disk.afterPowerLoss().readText("/d/f"), "a");
    io.write(file, bytes("c"), 0);
    io.syncFile(file);
    assert.equal(disk.afterPowerLoss().readText("/d/f"), "c");
  });

  it("mode and owner are the file's, and synced with it", () => {
    const mode = (disk: SimDisk): unknown => disk.process().sync.lstat("/d/f")?.mode;
    const change = (sync: boolean) => (io: IoSync) => {
      const file = io.open("/d/f", "edit");
      io.setMode(file, 0o600);
      if (sync) io.syncFile(file);
    };
    assert.deepEqual(after(withA(1), change(false), mode), [0o600, 0o644]);
    assert.deepEqual(after(withA(1), change(true), mode), [0o600]);
  });

  it("a time that was set is synced with the file", () => {
    const time = (disk: SimDisk): unknown => (disk.process().sync.lstat("/d/f")?.modifiedMs === 5 ? "set" : "lost");
    const change = (sync: boolean) => (io: IoSync) => {
      const file = io.open("/d/f", "edit");
      io.setTime(file, 5);
      if (sync) io.syncFile(file);
    };
    assert.deepEqual(after(withA(1), change(false), time), ["lost", "set"]);
    assert.deepEqual(after(withA(1), change(true), time), ["set"]);
  });

  it("what lay beyond the end of a file at the crash does not come back when the file grows", () => {
    const disk = new SimDisk();
    withA(10)(disk);
    overwrite(10, 10)(disk.process().sync);
    for (const state of disk.powerLossStates()) {
      if (state.readFile("/d/f")?.length !== 10) continue;
      const io = state.process().sync;
      io.write(io.open("/d/f", "edit"), bytes("c"), 20);
      assert.equal(runs(state.readFile("/d/f") ?? bytes("")), "a*10 NUL*10 c*1");
    }
  });
});

describe("names", () => {
  const names = (disk: SimDisk): string =>
    Object.keys(disk.tree())
      .filter((path) => !path.endsWith("/"))
      .join(" ");

  it("a new file is lost unless its directory is synced; its own sync does not help", () => {
    const requests = (io: IoSync): void => io.syncFile(writeNew(io, "/d/f", "x"));
    assert.deepEqual(after(emptyDir, requests, show("/d/f")), [undefined, "x*1"]);
  });

  it("a directory sync without a file sync: the name is there, the content need not be", () => {
    const requests = (io: IoSync): void => {
      writeNew(io, "/d/f", "x");
      io.syncDir("/d");
    };
    assert.deepEqual(after(emptyDir, requests, show("/d/f")), ["", "NUL*1", "x*1"]);
  });

  it("names of one directory are lost one by one", () => {
    const requests = (io: IoSync): void => {
      io.open("/d/a", "create");
      io.open("/d/b", "create");
    };
    assert.deepEqual(after(emptyDir, requests, names), ["", "/d/a", "/d/a /d/b", "/d/b"]);
  });

  it("each directory of a chain needs the sync of the one above it", () => {
    const chain =
      (...synced: string[]) =>
      (io: IoSync) => {
        io.makeDir("/d/e");
        io.makeDir("/d/e/f");
        io.syncFile(writeNew(io, "/d/e/f/g", "x"));
        for (const dir of synced) io.syncDir(dir);
      };
    const there = (disk: SimDisk): boolean => disk.readText("/d/e/f/g") === "x";
    assert.deepEqual(after(emptyDir, chain("/d", "/d/e", "/d/e/f"), there), [true]);
    assert.deepEqual(after(emptyDir, chain("/d/e", "/d/e/f"), there), [false, true]);
    assert.deepEqual(after(emptyDir, chain("/d", "/d/e/f"), there), [false, true]);
    assert.deepEqual(after(emptyDir, chain("/d", "/d/e"), there), [false, true]);
  });

  const withAB = (disk: SimDisk): void => {
    disk.writeFile("/d/a", "a");
    disk.writeFile("/d/b", "b");
    disk.makeDir("/e");
  };

  it("a rename in one directory happens or not; paranoid takes it apart", () => {
    const requests = (io: IoSync): void => io.rename("/d/a", "/d/b");
    const content = (disk: SimDisk): unknown => [disk.readText("/d/a") ?? "-", disk.readText("/d/b") ?? "-"].join("");
    assert.deepEqual(after(withAB, requests, content), ["-a", "ab"]);
    assert.deepEqual(after(withAB, requests, content, "paranoid"), ["-a", "-b", "aa", "ab"]);
  });

  it("a rename between directories: old name, both, or new name; only paranoid loses both", () => {
    const requests =
      (...synced: string[]) =>
      (io: IoSync) => {
        io.rename("/d/a", "/e/a");
        for (const dir of synced) io.syncDir(dir);
      };
    const seen = (disk: SimDisk): string => names(disk).replace(" /d/b", "").replace("/d/b", "").trim();
    assert.deepEqual(after(withAB, requests(), seen), ["/d/a", "/d/a /e/a", "/e/a"]);
    assert.deepEqual(
      after(withAB, requests(), (disk) => names(disk) === "/d/b", "paranoid"),
      [false, true],
    );
    assert.deepEqual(after(withAB, requests("/e"), seen), ["/d/a /e/a", "/e/a"]);
    assert.deepEqual(
      after(withAB, requests("/d"), seen),
      ["/e/a"],
      "the old name is not gone for good before the new one is there",
    );
  });

  it("unlink and link are lost or kept on their own", () => {
    const requests = (io: IoSync): void => {
      io.link("/d/a", "/d/c");
      io.unlink("/d/a");
    };
    assert.deepEqual(after(withAB, requests, names), ["/d/a /d/b", "/d/a /d/b /d/c", "/d/b", "/d/b /d/c"]);
  });

  it("a renamed directory keeps its children under either name", () => {
    const setup = (disk: SimDisk): void => disk.writeFile("/d/sub/f", "x");
    const requests = (io: IoSync): void => io.rename("/d/sub", "/d/new");
    assert.deepEqual(after(setup, requests, names), ["/d/new/f", "/d/sub/f"]);
  });

  it("a disk in memory keeps nothing, synced or not", () => {
    const disk = new SimDisk({ persistent: false });
    emptyDir(disk);
    const io = disk.process().sync;
    io.syncFile(writeNew(io, "/d/f", "x"));
    io.syncDir("/d");
    assert.equal(disk.afterPowerLoss().readText("/d/f"), undefined);
  });

  it("a directory that can't be synced says so, and keeps nothing", () => {
    const disk = new SimDisk({ syncsDirs: false });
    emptyDir(disk);
    const io = disk.process().sync;
    io.syncFile(writeNew(io, "/d/f", "x"));
    assert.equal(io.syncDir("/d"), false);
    assert.equal(disk.afterPowerLoss().readText("/d/f"), undefined);
  });
});
