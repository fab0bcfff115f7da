/**
 * Single rules of the simulator's profiles, on a real file system: a few requests without the library in between, and every
 * tree that a crash leaves must be one that the profile allows.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { type SimDisk, SimDisk as Simulated } from "../../sim/index.ts";
import type { FileSystemName } from "./file-systems.ts";
import { outcomeKeys, type Prediction } from "./predict.ts";
import type { Protocol } from "./protocols.ts";
import { treeInSimulator } from "./tree.ts";

/** What a litmus test asks for; all names are relative. */
interface Requests {
  /** Makes the file if there is none. */
  readonly write: (name: string, text: string, position?: number) => void;
  readonly sync: (name: string) => void;
  readonly syncDir: (name: string) => void;
  readonly rename: (from: string, to: string) => void;
  readonly link: (from: string, to: string) => void;
  readonly unlink: (name: string) => void;
  readonly makeDir: (name: string) => void;
}

type Steps = (requests: Requests) => void;

const DIR = "/r";
const DONE = "done";

const onDisk = (dir: string): Requests => {
  const at = (name: string): string => path.join(dir, name);
  const opened = (name: string, flags: number, use: (file: number) => void): void => {
    const file = fs.openSync(at(name), flags, 0o644);
    use(file);
    fs.closeSync(file);
  };
  const { O_CREAT, O_RDONLY, O_RDWR } = fs.constants;
  return {
    write: (name, text, position = 0) => opened(name, O_RDWR | O_CREAT, (file) => fs.writeSync(file, text, position)),
    sync: (name) => opened(name, O_RDWR, fs.fsyncSync),
    syncDir: (name) => opened(name, O_RDONLY, fs.fsyncSync),
    rename: (from, to) => fs.renameSync(at(from), at(to)),
    link: (from, to) => fs.linkSync(at(from), at(to)),
    unlink: (name) => fs.unlinkSync(at(name)),
    makeDir: (name) => fs.mkdirSync(at(name)),
  };
};

const inSimulator = (disk: SimDisk, after: () => void): Requests => {
  const io = disk.process().sync;
  const at = (name: string): string => path.posix.join(DIR, name);
  const opened = (name: string, use: (file: ReturnType<typeof io.open>) => void): void => {
    const file = io.open(at(name), io.lstat(at(name)) ? "edit" : "create");
    after();
    use(file);
    io.close(file);
  };
  const then = <A extends readonly unknown[]>(request: (...args: A) => unknown) => {
    return (...args: A): void => {
      request(...args);
      after();
    };
  };
  return {
    write: then((name, text, position = 0) => opened(name, (file) => io.write(file, new TextEncoder().encode(text), position))),
    sync: then((name) => opened(name, (file) => io.syncFile(file))),
    syncDir: then((name) => io.syncDir(at(name))),
    rename: then((from, to) => io.rename(at(from), at(to))),
    link: then((from, to) => io.link(at(from), at(to))),
    unlink: then((name) => io.unlink(at(name))),
    makeDir: then((name) => io.makeDir(at(name))),
  };
};

/** One test. */
export interface Litmus extends Protocol {
  /** The file system that it tells from another (`WRONG_PROFILE`). */
  readonly tellsApart: FileSystemName | undefined;
}

function litmus(
  name: string,
  description: string,
  steps: Steps,
  before: Protocol["before"] = {},
  tellsApart?: FileSystemName,
): Litmus {
  const run: Protocol["run"] = async (dir, acknowledge) => {
    steps(onDisk(dir));
    await acknowledge(DONE);
  };
  return { name: `litmus-${name}`, description, before, run, check: () => undefined, barriers: [], predict, tellsApart };

  async function predict(profile: FileSystemName | "strict"): Promise<Prediction> {
    const disk = new Simulated();
    disk.makeDir(DIR);
    for (const [file, text] of Object.entries(before)) disk.writeFile(path.posix.join(DIR, file), text);
    const outcomes = new Set<string>();
    const collect = (acknowledged: readonly string[]): void => {
      for (const state of disk.powerLossStates(profile))
        for (const key of outcomeKeys({}, treeInSimulator(state, DIR), acknowledged)) outcomes.add(key);
    };
    collect([]);
    steps(inSimulator(disk, () => collect([])));
    collect([DONE]);
    return { outcomes, violations: 0 };
  }
}

const many = (letter: string): string => letter.repeat(5000);
const both = { "p/keep": "k", "q/keep": "k" };

/** All of them. */
export const LITMUS: readonly Litmus[] = [
  litmus("create", "create, sync the file", (r) => {
    r.write("a", many("A"));
    r.sync("a");
  }),
  litmus("deep", "new directories, sync the file below", (r) => {
    r.makeDir("d");
    r.makeDir("d/e");
    r.write("d/e/f", many("F"));
    r.sync("d/e/f");
  }),
  litmus("new-dir", "new directory, sync it and not the one above", (r) => {
    r.makeDir("d");
    r.syncDir("d");
  }),
  litmus("two", "create two, sync the second", (r) => {
    r.write("a", many("A"));
    r.write("b", many("B"));
    r.sync("b");
  }),
  litmus(
    "rename-other",
    "rename, sync another file that has changed",
    (r) => {
      r.rename("x", "y");
      r.write("o", "2", 1);
      r.sync("o");
    },
    { x: many("X"), o: "o" },
  ),
  litmus(
    "rename-file",
    "rename, sync the file",
    (r) => {
      r.rename("x", "y");
      r.sync("y");
    },
    { x: many("X") },
  ),
  litmus(
    "rename-dir",
    "rename, sync the directory",
    (r) => {
      r.rename("x", "y");
      r.syncDir(".");
    },
    { x: many("X") },
  ),
  litmus("move", "rename between directories, sync none", (r) => r.rename("p/x", "q/x"), { ...both, "p/x": many("X") }),
  litmus(
    "move-new",
    "rename between directories, sync the new one",
    (r) => {
      r.rename("p/x", "q/x");
      r.syncDir("q");
    },
    { ...both, "p/x": many("X") },
    "btrfs",
  ),
  litmus(
    "move-old",
    "rename between directories, sync the old one",
    (r) => {
      r.rename("p/x", "q/x");
      r.syncDir("p");
    },
    { ...both, "p/x": many("X") },
  ),
  litmus(
    "rename-over",
    "rename over another, sync the directory",
    (r) => {
      r.rename("t", "a");
      r.syncDir(".");
    },
    { a: many("O"), t: many("N") },
  ),
  litmus(
    "link-file",
    "link, sync the file",
    (r) => {
      r.link("a", "b");
      r.sync("a");
    },
    { a: many("A") },
  ),
  litmus(
    "link-dir",
    "link, sync the directory",
    (r) => {
      r.link("a", "b");
      r.syncDir(".");
    },
    { a: many("A") },
  ),
  litmus("unlink", "unlink, sync nothing", (r) => r.unlink("a"), { a: many("A") }),
  litmus(
    "unlink-dir",
    "unlink, sync the directory",
    (r) => {
      r.unlink("a");
      r.syncDir(".");
    },
    { a: many("A") },
  ),
  litmus(
    "unlink-create",
    "unlink, then sync a new file",
    (r) => {
      r.unlink("a");
      r.write("b", many("B"));
      r.sync("b");
    },
    { a: many("A") },
  ),
  litmus(
    "dir-rename",
    "rename a directory, sync the one above",
    (r) => {
      r.rename("d", "e");
      r.syncDir(".");
    },
    { "d/f": many("F") },
  ),
  litmus(
    "dir-rename-file",
    "rename a directory, sync a file in it",
    (r) => {
      r.rename("d", "e");
      r.write("e/f", "g", 5000);
      r.sync("e/f");
    },
    { "d/f": many("F") },
  ),
  litmus("publish-unsynced", "publish a directory, its file not synced", (r) => {
    r.makeDir("s");
    r.write("s/f", many("F"));
    r.rename("s", "d");
    r.syncDir(".");
  }),
  litmus("publish-synced", "publish a directory, its file synced", (r) => {
    r.makeDir("s");
    r.write("s/f", many("F"));
    r.sync("s/f");
    r.rename("s", "d");
    r.syncDir(".");
  }),
  litmus(
    "overwrite",
    "overwrite two files, sync a third",
    (r) => {
      r.write("a", "1".repeat(4096));
      r.write("b", "1".repeat(4096));
      r.write("c", "1");
      r.sync("c");
    },
    { a: "0".repeat(8192), b: "0".repeat(8192), c: "0" },
  ),
  litmus(
    "append",
    "append, sync another file",
    (r) => {
      r.write("a", "b".repeat(2500), 2500);
      r.write("o", "O");
      r.sync("o");
    },
    { a: "a".repeat(2500), o: "o" },
    "ext4",
  ),
  litmus(
    "aside",
    "link the old one aside, rename over it, sync the directory",
    (r) => {
      r.link("a", "bak");
      r.rename("t", "a");
      r.syncDir(".");
    },
    { a: many("O"), t: many("N") },
  ),
];
