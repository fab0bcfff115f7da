/** One script of requests on the simulated and on the real disk, in both forms: the same results, the same errors. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { SimDisk } from "holdfast/sim";
import type { Entry, File, Io, Machine, Stat } from "../../dist/io/io.js";
import { nodeMachine } from "../../dist/io/node.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const LONG = "x".repeat(256);

interface Scene {
  readonly io: Io;
  readonly at: (name: string) => string;
  /** Files kept open from one line of the script to the next. */
  readonly files: Record<string, File>;
}

const file = ({ files }: Scene, name: string): File => {
  const found = files[name];
  assert.ok(found !== undefined, `the script opens ${name} first`);
  return found;
};

async function create({ io, at, files }: Scene, name: string, text: string): Promise<void> {
  files[name] = await io.open(at(name), "create", 0o644);
  await io.write(files[name], bytes(text), 0);
}

async function content(io: Io, open: File): Promise<string> {
  const into = new Uint8Array(100);
  const count = await io.read(open, into, 0);
  return new TextDecoder().decode(into.subarray(0, count));
}

const byName = (entries: readonly Entry[]): Entry[] => [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Each line is one or a few requests; what it gives, or how it fails, has to be equal everywhere. */
const SCRIPT: Record<string, (scene: Scene) => unknown> = {
  "absent things": async ({ io, at }) => [await io.lstat(at("none")), await io.stat(at("none/more"))],
  "stat of the directory": async ({ io, at }) => await io.stat(at("")),
  "open what is absent": ({ io, at }) => io.open(at("none"), "read"),
  "edit what is absent": ({ io, at }) => io.open(at("none"), "edit"),
  "create in an absent directory": ({ io, at }) => io.open(at("none/a"), "create"),
  "create a": (scene) => create(scene, "a", "hello"),
  "create a again": ({ io, at }) => io.open(at("a"), "create"),
  "stat a": (scene) => scene.io.statFile(file(scene, "a")),
  "read a": (scene) => content(scene.io, file(scene, "a")),
  "read past the end": (scene) => scene.io.read(file(scene, "a"), new Uint8Array(5), 99),
  "write past the end": async (scene) => {
    await scene.io.write(file(scene, "a"), bytes("!"), 10);
    return [await content(scene.io, file(scene, "a")), await scene.io.statFile(file(scene, "a"))];
  },
  truncate: async (scene) => {
    await scene.io.truncate(file(scene, "a"), 3);
    await scene.io.write(file(scene, "a"), bytes("?"), 5);
    return [await content(scene.io, file(scene, "a")), await scene.io.statFile(file(scene, "a"))];
  },
  "truncate what is not open": (scene) => scene.io.truncate(9999 as File, 0),
  "set mode": async (scene) => {
    await scene.io.setMode(file(scene, "a"), 0o600);
    return await scene.io.lstat(scene.at("a"));
  },
  "set time": async (scene) => {
    await scene.io.setTime(file(scene, "a"), 1_700_000_000_000);
    return (await scene.io.lstat(scene.at("a")))?.modifiedMs;
  },
  "set time of what is not open": (scene) => scene.io.setTime(9999 as File, 0),
  "sync a": (scene) => scene.io.syncFile(file(scene, "a")),
  "sync the directory": ({ io, at }) => io.syncDir(at("")),
  "sync a file as a directory": ({ io, at }) => io.syncDir(at("a")),
  "sync an absent directory": ({ io, at }) => io.syncDir(at("none")),
  "a file as a directory": ({ io, at }) => io.lstat(at("a/b")),
  "open below a file": ({ io, at }) => io.open(at("a/b"), "create"),
  "a long name": ({ io, at }) => io.open(at(LONG), "create"),
  "stat of a long name": ({ io, at }) => io.lstat(at(LONG)),
  "make a directory": ({ io, at }) => io.makeDir(at("d")),
  "make it again": ({ io, at }) => io.makeDir(at("d")),
  "make one over a file": ({ io, at }) => io.makeDir(at("a")),
  "make one in an absent one": ({ io, at }) => io.makeDir(at("none/d")),
  "edit a directory": ({ io, at }) => io.open(at("d"), "edit"),
  "read a directory": async ({ io, at, files }) => {
    files["d"] = await io.open(at("d"), "read");
    return await io.read(files["d"], new Uint8Array(1), 0);
  },
  "write to what is open for reading": (scene) => scene.io.write(file(scene, "d"), bytes("x"), 0),
  "truncate what is open for reading": (scene) => scene.io.truncate(file(scene, "d"), 0),
  "stat of an open directory": async (scene) => (await scene.io.statFile(file(scene, "d"))).kind,
  "close it": (scene) => scene.io.close(file(scene, "d")),
  "close it again": (scene) => scene.io.close(9999 as File),
  "stat of what is not open": (scene) => scene.io.statFile(9999 as File),
  "link a": async ({ io, at }) => {
    await io.link(at("a"), at("a2"));
    return [await io.lstat(at("a")), (await io.lstat(at("a")))?.id === (await io.lstat(at("a2")))?.id];
  },
  "link over what is there": ({ io, at }) => io.link(at("a"), at("a2")),
  "link what is absent": ({ io, at }) => io.link(at("none"), at("a3")),
  "link a directory": ({ io, at }) => io.link(at("d"), at("d2")),
  "rename over its own other name": async ({ io, at }) => {
    await io.rename(at("a"), at("a2"));
    return [await io.lstat(at("a")), await io.lstat(at("a2"))];
  },
  "unlink one name": async ({ io, at }) => {
    await io.unlink(at("a2"));
    return await io.lstat(at("a"));
  },
  "unlink what is absent": ({ io, at }) => io.unlink(at("none")),
  "unlink a directory": ({ io, at }) => io.unlink(at("d")),
  "replace an open file": async (scene) => {
    await create(scene, "b", "other");
    await scene.io.rename(scene.at("b"), scene.at("a"));
    const old = await scene.io.statFile(file(scene, "a"));
    return [old.links, await content(scene.io, file(scene, "a")), await scene.io.lstat(scene.at("b"))];
  },
  "rename what is absent": ({ io, at }) => io.rename(at("none"), at("a")),
  "rename to an absent directory": ({ io, at }) => io.rename(at("a"), at("none/a")),
  "rename a file over a directory": ({ io, at }) => io.rename(at("a"), at("d")),
  "rename a directory over a file": ({ io, at }) => io.rename(at("d"), at("a")),
  "rename a directory into itself": ({ io, at }) => io.rename(at("d"), at("d/e")),
  "rename over a directory that is not empty": async ({ io, at }) => {
    await io.makeDir(at("e"));
    await io.makeDir(at("e/f"));
    await io.rename(at("d"), at("e"));
  },
  "rename over an empty directory": ({ io, at }) => io.rename(at("d"), at("e/f")),
  "rename to another directory": async ({ io, at }) => {
    await io.rename(at("a"), at("e/a"));
    return [await io.lstat(at("a")), (await io.lstat(at("e/a")))?.kind];
  },
  list: async ({ io, at }) => byName(await io.list(at(""))),
  "search for names": async ({ io, at }) => byName(await io.search(at(""), /^lin/)),
  "search for names and all directories": async ({ io, at }) => byName(await io.search(at(""), /^lin/, true)),
  "list names and kinds": async ({ io, at }) => byName(await io.list(at("e"))),
  "list what is absent": ({ io, at }) => io.list(at("none")),
  "list a file": ({ io, at }) => io.list(at("e/a")),
  "search what is absent": ({ io, at }) => io.search(at("none"), /^/),
  "search a file": ({ io, at }) => io.search(at("e/a"), /^/),
  "exchange a file and a directory": async ({ io, at }) => {
    await io.makeDir(at("x"), 0o700);
    await io.close(await io.open(at("x/inside"), "create", 0o644));
    await io.close(await io.open(at("y"), "create", 0o644));
    const done = await io.exchange(at("x"), at("y"));
    return [done, (await io.lstat(at("x")))?.kind, await io.lstat(at("y")), (await io.lstat(at("y/inside")))?.kind];
  },
  "exchange with what is absent": ({ io, at }) => io.exchange(at("x"), at("none")),
  "exchange what is inside the other": ({ io, at }) => io.exchange(at("y"), at("y/inside")),
  "remove a directory that is not empty": ({ io, at }) => io.removeDir(at("y")),
  "remove a file as a directory": ({ io, at }) => io.removeDir(at("x")),
  "remove an absent directory": ({ io, at }) => io.removeDir(at("none")),
  "remove a directory": async ({ io, at }) => {
    await io.unlink(at("y/inside"));
    await io.removeDir(at("y"));
    await io.unlink(at("x"));
    return await io.lstat(at("y"));
  },
  "follow a link": async ({ io, at }) => [
    await io.lstat(at("link")),
    (await io.stat(at("link")))?.kind,
    await io.readLink(at("link")),
  ],
  "open through a link": async ({ io, at, files }) => {
    files["link"] = await io.open(at("link"), "read");
    return await content(io, files["link"]);
  },
  "real path of a link": async ({ io, at }) => path.basename(await io.realPath(at("link"))),
  "real path of what is absent": ({ io, at }) => io.realPath(at("none")),
  "create over a dangling link": ({ io, at }) => io.open(at("dangling"), "create"),
  "edit through a dangling link": ({ io, at }) => io.open(at("dangling"), "edit"),
  "stat of a dangling link": async ({ io, at }) => [(await io.lstat(at("dangling")))?.kind, await io.stat(at("dangling"))],
  "a circle of links": ({ io, at }) => io.open(at("circle"), "read"),
  "stat of a circle": ({ io, at }) => io.stat(at("circle")),
  "read a link that is none": ({ io, at }) => io.readLink(at("e")),
  "up and down": async ({ io, at }) => (await io.stat(`${at("e")}/../e/./a`))?.kind,
  "no path": ({ io }) => io.open("", "read"),
  lock: async (scene) => {
    const other = await scene.io.open(scene.at("e/a"), "read");
    const third = await scene.io.open(scene.at("e/a"), "read");
    const first = file(scene, "b");
    const taken = [await scene.io.tryLock(first, "exclusive"), await scene.io.tryLock(other, "shared")];
    await scene.io.close(first);
    taken.push(await scene.io.tryLock(other, "shared"), await scene.io.tryLock(third, "shared"));
    await scene.io.close(other);
    await scene.io.close(third);
    return taken;
  },
  "file system of what is absent": ({ io, at }) => io.fileSystem(at("none")),
};

/** Only what two machines can have in common. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  const { kind, sizeBytes, mode, userId, links } = value as Stat;
  return kind === "file" ? { kind, sizeBytes, mode, userId, links } : { kind, mode: kind === "directory" ? mode : 0 };
}

async function play(io: Io, dir: string): Promise<Map<string, unknown>> {
  const scene: Scene = { io, at: (name) => (name === "" ? dir : `${dir}/${name}`), files: {} };
  const results = new Map<string, unknown>();
  for (const [name, line] of Object.entries(SCRIPT)) {
    try {
      results.set(name, comparable(await line(scene)));
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      results.set(name, { code, syscall });
    }
  }
  for (const open of Object.values(scene.files))
    await Promise.resolve(open)
      .then(io.close)
      .catch(() => {});
  return results;
}

async function playReal(form: keyof Machine): Promise<Map<string, unknown>> {
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-conformance-")));
  fs.chmodSync(dir, 0o755);
  fs.symlinkSync("e/a", `${dir}/link`);
  fs.symlinkSync("nowhere", `${dir}/dangling`);
  fs.symlinkSync("circle", `${dir}/circle`);
  try {
    return await play(nodeMachine()[form], dir);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

async function playSimulated(form: keyof Machine): Promise<Map<string, unknown>> {
  const disk = new SimDisk();
  disk.makeDir("/test");
  disk.symlink("/test/link", "e/a");
  disk.symlink("/test/dangling", "nowhere");
  disk.symlink("/test/circle", "circle");
  return await play(disk.process({ userId: process.getuid?.() ?? 0 })[form], "/test");
}

const skip = process.platform === "linux" ? false : "the errors compared are those of Linux";

for (const form of ["sync", "io"] as const) {
  test(`the simulated disk answers as the real one (${form})`, { skip }, async () => {
    const [real, simulated] = [await playReal(form), await playSimulated(form)];
    assert.equal(real.size, Object.keys(SCRIPT).length);
    for (const [name, expected] of real) assert.deepEqual(simulated.get(name), expected, name);
  });
}
