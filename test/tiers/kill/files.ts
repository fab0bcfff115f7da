/** Files, locks and directories, by the public API. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  createWriteStream,
  stageDirectory,
  stageFile,
  updateFile,
  updateFileSync,
  updateJson,
  writeFile,
  writeFileSync,
  writeJson,
} from "holdfast";
import { acquireLock, tryLock } from "holdfast/lock";
import { currentMachine, withMachine } from "../../../dist/io/current.js";
import type { Machine } from "../../../dist/io/io.js";
import type { Fate, Scenario } from "./scenario.ts";

/** What writes begin with where it can be: see `wayOf` in sweep.ts on short writes. */
const NULS = "\0".repeat(64);
const OLD = "the old content";
const NEW = `${NULS}the new content, a little longer`;
const CHUNKS = [NULS.padEnd(70_000, "first"), NULS, "second, ", "third"];
const LARGE = CHUNKS.join("");
/** What umask takes something of, so that the mode has to be set. */
const MODE = 0o664;
const OTHER_ID = 4321;

const ABSENT = "absent";
const present = (text: string, mode: number): string => `${mode.toString(8)} ${text}`;
const created = (text: string): string => present(text, 0o666 & ~process.umask());
const was = present(OLD, MODE);
const is = present(NEW, MODE);

const fileIn = (dir: string): string => path.join(dir, "file");
const deepIn = (dir: string): string => path.join(dir, "made", "below", "file");

function seen(file: string): string {
  const found = fs.statSync(file, { throwIfNoEntry: false });
  return found ? present(fs.readFileSync(file, "utf8"), found.mode & 0o7777) : ABSENT;
}

function old(dir: string, text = OLD): void {
  fs.writeFileSync(fileIn(dir), text);
  fs.chmodSync(fileIn(dir), MODE);
  if (process.getuid?.() === 0) fs.chownSync(fileIn(dir), OTHER_ID, OTHER_ID);
}

const replacing = (name: string, run: (file: string) => unknown): Scenario => ({
  name,
  module: import.meta.url,
  setup: old,
  run: (dir) => run(fileIn(dir)),
  observe: (dir) => seen(fileIn(dir)),
  states: [was, is],
});

const creating = (name: string, at: (dir: string) => string, run: (file: string) => unknown): Scenario => ({
  name,
  module: import.meta.url,
  setup: () => {},
  run: (dir) => run(at(dir)),
  observe: (dir) => seen(at(dir)),
  states: [ABSENT, created(NEW)],
});

/** The lock of an update ends with its owner: the next one has it at once. */
const updating = (name: string, run: (file: string) => unknown): Scenario => ({
  ...replacing(name, run),
  recover: (dir) => updateFile(fileIn(dir), (content) => content, { lockTimeoutMs: 0 }).then(() => {}),
});

const json = (scenario: Scenario): Scenario => ({
  ...scenario,
  setup: (dir) => old(dir, '{"count":1}'),
  states: [present('{"count":1}', MODE), present('{\n  "count": 2\n}\n', MODE)],
});

async function stagedIn(file: string): Promise<void> {
  const staged = await stageFile(file);
  try {
    await staged.write(NULS);
    await staged.write(NEW.slice(NULS.length));
    await staged.commit();
  } finally {
    await staged.discard();
  }
}

const lockIn = (dir: string): string => path.join(dir, "file.lock");

/** Writes under a lock. The first acknowledgement is that of the lock. */
const locking: Scenario = {
  ...replacing("acquireLock", () => {}),
  async run(dir, acknowledge) {
    const lock = await acquireLock(lockIn(dir));
    try {
      acknowledge();
      await writeFile(fileIn(dir), NEW);
    } finally {
      await lock.release();
    }
  },
  states: [was, was, is],
  async recover(dir, { acknowledged, end }: Fate) {
    const lock = await tryLock(lockIn(dir));
    assert.ok(lock, "the lock has outlived its owner");
    const diedInside = end === "killed" && acknowledged === 1 && seen(fileIn(dir)) === was;
    if (diedInside) assert.ok(lock.previousOwnerDied, "the next owner is not told that the last one died");
    await lock.release();
    await writeFile(path.join(dir, "other"), "");
  },
};

const siteIn = (dir: string): string => path.join(dir, "site");
const site = (files: Readonly<Record<string, string>>): string => JSON.stringify(files);

/** By exchange, where the file system has it; elsewhere a reader is promised old or new only after recovery. */
const publishing = (name: string, before: Scenario["setup"], old: string): Scenario => ({
  name,
  module: import.meta.url,
  setup: before,
  async run(dir) {
    const staged = await stageDirectory(siteIn(dir), { replace: true });
    try {
      await Promise.all([staged.writeFile("a", NEW), staged.writeFile("sub/b", NEW)]);
      await staged.commit();
    } finally {
      await staged.discard();
    }
  },
  observe(dir) {
    const root = siteIn(dir);
    if (!fs.existsSync(root)) return ABSENT;
    const names = ["a", "gone", "sub/b"].filter((file) => fs.existsSync(path.join(root, file)));
    return site(Object.fromEntries(names.map((file) => [file, fs.readFileSync(path.join(root, file), "utf8")])));
  },
  states: [old, site({ a: NEW, "sub/b": NEW })],
  needsRecovery: old !== ABSENT,
  recover: async (dir) => (await stageDirectory(path.join(dir, "unrelated"))).discard(),
});

/** As where nothing can be exchanged: on NFS, or without the native package. */
const withoutExchange = ({ io, sync }: Machine): Machine => ({ io: { ...io, exchange: async () => false }, sync });

/** As on Windows, where a directory is not moved; the calls are those of this system. */
const withoutMoves = ({ io, sync }: Machine): Machine => {
  const traits = { ...sync.traits(), replacesOpenFiles: false };
  return { io: { ...io, traits: () => traits }, sync: { ...sync, traits: () => traits } };
};

/** The scenario on another machine. */
const on = (change: (machine: Machine) => Machine, name: string, scenario: Scenario): Scenario => ({
  ...scenario,
  name,
  run: (dir, acknowledge) => withMachine(change(currentMachine()), () => scenario.run(dir, acknowledge)),
});

function oldSite(dir: string): void {
  fs.mkdirSync(siteIn(dir));
  for (const name of ["a", "gone"]) fs.writeFileSync(path.join(siteIn(dir), name), OLD);
}

const replacingSite = publishing("stageDirectory", oldSite, site({ a: OLD, gone: OLD }));

export const SCENARIOS: readonly Scenario[] = [
  replacing("writeFile", (file) => writeFile(file, NEW)),
  creating("writeFile, a new file", fileIn, (file) => writeFile(file, NEW)),
  creating("writeFile, ifAbsent", fileIn, (file) => writeFile(file, NEW, { ifAbsent: true })),
  creating("writeFile, parents", deepIn, (file) => writeFile(file, NEW, { parents: true })),
  { ...replacing("writeFile, iterable", (file) => writeFile(file, CHUNKS)), states: [was, present(LARGE, MODE)] },
  replacing("writeFileSync", (file) => writeFileSync(file, NEW)),
  replacing("stageFile", stagedIn),
  {
    ...replacing("createWriteStream", (file) => pipeline(Readable.from(CHUNKS), createWriteStream(file))),
    states: [was, present(LARGE, MODE)],
  },
  json(replacing("writeJson", (file) => writeJson(file, { count: 2 }))),
  updating("updateFile", (file) => updateFile(file, () => NEW)),
  updating("updateFileSync", (file) => updateFileSync(file, () => NEW)),
  json(updating("updateJson", (file) => updateJson<{ count: number }>(file, (value) => ({ count: (value?.count ?? 0) + 1 })))),
  locking,
  publishing("stageDirectory, a new directory", () => {}, ABSENT),
  replacingSite,
  on(withoutExchange, "stageDirectory, in two steps", replacingSite),
  on(withoutMoves, "stageDirectory, file by file", replacingSite),
];
