/** Scenarios of Holdfast's own write protocols, on the core programs as they ship. */
import assert from "node:assert/strict";
import * as nodePath from "node:path";
import { makeDirs } from "../core/make-dirs.ts";
import { readWhole } from "../core/read.ts";
import { type Finish, replaceFile } from "../core/replace.ts";
import { sweepDead } from "../core/sweep.ts";
import { parseOurName } from "../format/names.ts";
import { currentMachine } from "../io/current.ts";
import { close, ensure, open, type Program, syncDir, syncFile } from "../io/program.ts";
import { run } from "../io/run.ts";
import type { SimDisk } from "./disk.ts";
import type { SweepOptions } from "./scenario.ts";

const DIR = "/app";
const CONFIG = "/app/config.json";
const OLD = "the old content";
const NEW = "the new content, a little longer";
const VERSIONS = ["one", "two, longer", "three"];
const LARGE = "0123456789abcdef".repeat(640); // 10,240 bytes: three blocks

const FINISH: Finish = {
  attributes: { mode: undefined, existing: undefined },
  syncFile: true,
  overtake: () => [],
  ifAbsent: false,
  barrier: true,
  heldBudgetMs: 0,
};

type Scenario = SweepOptions<string>;

const perform = <T>(program: Program<T>): Promise<T> => run(program, currentMachine().io);
const put = (text: string, dir = DIR, more: Partial<Finish> = {}): Promise<unknown> =>
  perform(replaceFile({ dir, path: `${dir}/config.json` }, new TextEncoder().encode(text), { ...FINISH, ...more }));
const withOld = (disk: SimDisk): void => disk.writeFile(CONFIG, OLD);

/** At each moment one of `allowed`; once the scenario has ended, the last of them. */
function expectContent(disk: SimDisk, finished: boolean, allowed: readonly (string | undefined)[], path = CONFIG): void {
  const found = disk.readText(path);
  assert.ok(allowed.includes(found), `${path} is ${found === undefined ? "gone" : "neither the old nor the new file"}`);
  assert.ok(!finished || found === allowed.at(-1), `${path} is the old one, but the end of the write was acknowledged`);
}

/** Replaces a file. */
export const replace: Scenario = {
  setup: withOld,
  run: () => put(NEW),
  check: ({ disk, finished }) => expectContent(disk, finished, [OLD, NEW]),
};

/** Replaces a file by one of several blocks, of which some may be lost. */
export const replaceLarge: Scenario = {
  setup: withOld,
  run: () => put(LARGE),
  check: ({ disk, finished }) => expectContent(disk, finished, [OLD, LARGE]),
};

/** Makes a file that was not there. */
export const create: Scenario = {
  setup: (disk) => disk.makeDir(DIR),
  run: () => put(NEW),
  check: ({ disk, finished }) => expectContent(disk, finished, [undefined, NEW]),
};

/** Makes a file only if there is none. */
export const createIfAbsent: Scenario = { ...create, run: () => put(NEW, DIR, { ifAbsent: true }) };

/** Makes a file with the directories above it. */
export const createWithParents: Scenario = {
  run: async () => {
    await perform(makeDirs("/app/deep/down", true));
    await put(NEW, "/app/deep/down");
  },
  check: ({ disk, finished }) => expectContent(disk, finished, [undefined, NEW], "/app/deep/down/config.json"),
};

/** Replaces a file several times, and says so each time. */
export const severalInARow: Scenario = {
  setup: withOld,
  run: async ({ acknowledge }) => {
    for (const text of VERSIONS) {
      await put(text);
      acknowledge(text);
    }
  },
  check: ({ disk, acknowledged, finished }) => expectContent(disk, finished, [OLD, ...VERSIONS].slice(acknowledged.length)),
};

/** The next start removes what a dead writer has left, and nothing else. */
export const sweepAfterCrash: Scenario = {
  ...replace,
  recover: () => perform(sweepDead(DIR)),
  check: ({ disk, finished }) => {
    expectContent(disk, finished, [OLD, NEW]);
    const left = Object.keys(disk.tree()).find((path) => parseOurName(nodePath.basename(path)));
    assert.equal(left, undefined, `the file of a dead writer is left: ${left}`);
  },
};

/** The next start writes again, from every state that a kill or a power loss left, and is crashed as well. */
export const writeAfterCrash: Scenario = {
  ...replace,
  recover: async ({ acknowledge }) => {
    await perform(sweepDead(DIR));
    await put(LARGE);
    acknowledge(LARGE);
  },
  check: ({ disk, acknowledged, finished }) => {
    const told = acknowledged.length > 0;
    expectContent(disk, told, finished ? [NEW, LARGE] : [OLD, NEW, LARGE]);
  },
};

/** The next start syncs what it finds, as a killed writer may not have come to that, and only then tells others of it. */
export const tellAfterSync: Scenario = tellOthers(true);

/** As {@link tellAfterSync}, but trusts what it reads: after a kill that may be in memory only. */
export const tellWithoutSync: Scenario = tellOthers(false);

function tellOthers(sync: boolean): Scenario {
  return {
    ...replace,
    recover: async ({ acknowledge }) => {
      if (sync) await perform(settle());
      acknowledge(new TextDecoder().decode(await perform(readWhole(CONFIG, 0))));
    },
    check: ({ disk, acknowledged }) => {
      const found = disk.readText(CONFIG);
      assert.ok(
        acknowledged.every((told) => told === found),
        "somebody was told of a content that is not there any more",
      );
    },
  };
}

function* settle(): Program<void> {
  const file = yield* open(CONFIG, "read");
  yield* ensure(syncFile(file), () => close(file));
  yield* syncDir(DIR);
}
