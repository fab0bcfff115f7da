/**
 * The write protocols that are asked of real kernels: one entry each, on the public API, run in the same words on a real
 * file system and in the simulator.
 */
import * as path from "node:path";
import { stageDirectory, stageFile, updateFile, writeFile, writeFileSync } from "../../index.ts";
import { checkpointProtocol } from "./checkpoint-protocol.ts";
import type { Sabotage } from "./controls.ts";
import type { FileSystemName } from "./file-systems.ts";
import { LOG_PROTOCOLS } from "./log-protocols.ts";
import type { Prediction } from "./predict.ts";
import { tileSetProtocol } from "./tile-set-protocol.ts";
import { transacted } from "./transaction.ts";
import { runsOf, type Tree } from "./tree.ts";

/** Says that a new state of `name` was acknowledged: a crash may not undo it. */
export type Acknowledge = (name: string) => Promise<void> | void;

/** One protocol. */
export interface Protocol {
  readonly name: string;
  readonly description: string;
  /** The files that are there before, durable. */
  readonly before: Readonly<Record<string, string>>;
  /** Works in `dir`, and does the same each time. */
  readonly run: (dir: string, acknowledge: Acknowledge) => Promise<void>;
  /** What the next start of the program does before anybody looks. */
  readonly recover?: (dir: string) => Promise<void>;
  /** What is broken in the tree that a crash left, if anything is. */
  readonly check: (tree: Tree, acknowledged: readonly string[]) => string | undefined;
  /** Whether requests come in another order each time: then only single names compare with the simulator. */
  readonly unordered?: boolean;
  /** The barriers it can't do without: each is taken away in turn, and that has to be found. */
  readonly barriers: readonly Sabotage[];
  /** Those that it needs where nothing is promised beyond POSIX, and on none of the file systems that are asked. */
  readonly strictBarriers?: readonly Sabotage[];
  /** What the simulator says, where that is not a sweep of `run`. */
  readonly predict?: (profile: FileSystemName | "strict") => Promise<Prediction>;
}

const ALL_BARRIERS: readonly Sabotage[] = ["no-file-sync", "no-directory-sync", "rename-before-sync"];

/** Members are not renamed one by one. */
const BARRIERS_OF_MEMBERS: readonly Sabotage[] = ["no-file-sync", "no-directory-sync"];

/** Two blocks, the second not full; each version another letter and another length. */
const version = (letter: string): string => letter.repeat(6000 + 10 * letter.charCodeAt(0));
const OLD = version("o");
const VERSIONS = ["a", "b"].map(version);
const UNIT = ["a", "b"];
const NAMES = ["first", "second", "third", "fourth"];

/** Each name goes through its versions; what was acknowledged, or a later one, has to be there, whole. */
function goesThrough(versions: Readonly<Record<string, readonly (string | undefined)[]>>): Protocol["check"] {
  return (tree, acknowledged) => {
    for (const [name, all] of Object.entries(versions)) {
      const texts = all.map((text) => (text === undefined ? undefined : runsOf(text)));
      const told = acknowledged.filter((one) => one === name).length;
      const found = tree.get(name);
      if (!texts.includes(found)) return `${name} ${found === undefined ? "is gone" : `is torn: ${found || "empty"}`}`;
      if (!texts.slice(told).includes(found)) return `${name} was acknowledged, but is lost`;
    }
    const unknown = [...tree.keys()].find((name) => !name.endsWith("/") && !(name in versions));
    return unknown === undefined ? undefined : `${unknown} should not be there`;
  };
}

type Write = (file: string, content: string) => unknown;

/** Replaces one file, version after version. */
function replacing(name: string, description: string, write: Write): Protocol {
  const run: Protocol["run"] = async (dir, acknowledge) => {
    for (const content of VERSIONS) {
      await write(path.posix.join(dir, "config"), content);
      await acknowledge("config");
    }
  };
  const check = goesThrough({ config: [OLD, ...VERSIONS] });
  return { name, description, before: { config: OLD }, run, check, barriers: ALL_BARRIERS };
}

/** Makes one new file after the other. */
function making(name: string, description: string, files: readonly string[], write: Write): Protocol {
  const run: Protocol["run"] = async (dir, acknowledge) => {
    for (const file of files) {
      await write(path.posix.join(dir, file), OLD);
      await acknowledge(file);
    }
  };
  const check = goesThrough(Object.fromEntries(files.map((file) => [file, [undefined, OLD]])));
  return { name, description, before: {}, run, check, barriers: ALL_BARRIERS };
}

async function staged(file: string, content: string): Promise<void> {
  const stage = await stageFile(file);
  const half = content.length >> 1;
  await stage.write(content.slice(0, half));
  await stage.write(content.slice(half));
  await stage.commit();
}

/** A unit of several files, all of one version. */
async function stagedDirectory(dir: string, content: string): Promise<void> {
  const stage = await stageDirectory(dir, { replace: true });
  await Promise.all(UNIT.map((name) => stage.writeFile(name, content)));
  await stage.commit();
}

/** Each directory goes through its versions as a whole. */
function goesThroughWhole(versions: Readonly<Record<string, readonly (string | undefined)[]>>): Protocol["check"] {
  return (tree, acknowledged) => {
    for (const dir of Object.keys(versions)) {
      const found = UNIT.map((name) => tree.get(`${dir}/${name}`));
      const [first] = found;
      if (found.some((text) => text !== first)) return `${dir} is mixed: ${found.map((text) => text ?? "absent").join(", ")}`;
    }
    const firsts = Object.entries(versions).map(([dir, all]) => [`${dir}/${UNIT[0]}`, all] as const);
    const told = acknowledged.map((dir) => `${dir}/${UNIT[0]}`);
    const shown = new Map([...tree].filter(([name]) => !name.endsWith(`/${UNIT[1]}`)));
    return goesThrough(Object.fromEntries(firsts))(shown, told);
  };
}

const directories: Protocol = {
  ...making("publish", "stageDirectory of a new directory", ["one", "two"], stagedDirectory),
  check: goesThroughWhole({ one: [undefined, OLD], two: [undefined, OLD] }),
  barriers: BARRIERS_OF_MEMBERS,
};

const swapped: Protocol = {
  ...replacing("swap", "stageDirectory of one that is there", stagedDirectory),
  before: Object.fromEntries(UNIT.map((name) => [`config/${name}`, OLD])),
  // A swap in two steps is finished, or undone, by the next use.
  recover: (dir) => writeFile(path.posix.join(dir, "after"), OLD).then(() => {}),
  check: (tree, acknowledged) => {
    const shown = new Map([...tree].filter(([name]) => name !== "after"));
    return goesThroughWhole({ config: [OLD, ...VERSIONS] })(shown, acknowledged);
  },
  barriers: BARRIERS_OF_MEMBERS,
};

const together: Protocol = {
  name: "together",
  description: "writeFile of four files at once",
  before: Object.fromEntries(NAMES.map((name) => [name, OLD])),
  run: async (dir, acknowledge) => {
    for (const content of VERSIONS) {
      const put = async (name: string): Promise<void> => {
        await writeFile(path.posix.join(dir, name), content);
        await acknowledge(name);
      };
      await Promise.all(NAMES.map(put));
    }
  },
  check: goesThrough(Object.fromEntries(NAMES.map((name) => [name, [OLD, ...VERSIONS]]))),
  unordered: true,
  barriers: ALL_BARRIERS,
};

const again: Protocol = {
  ...replacing("again", "after the crash, writeFile once more", (file, content) => writeFile(file, content)),
  recover: (dir) => writeFile(path.posix.join(dir, "config"), version("r")).then(() => {}),
  check: (tree) => goesThrough({ config: [version("r")] })(tree, []),
  barriers: [], // the second write mends what the first has broken
};

/** All of them. A further one is a further entry. */
export const PROTOCOLS: readonly Protocol[] = [
  replacing("replace", "writeFile of a file that is there", (file, content) => writeFile(file, content)),
  replacing("replace-sync", "writeFileSync of a file that is there", (file, content) => writeFileSync(file, content)),
  replacing("stage", "stageFile, written in two pieces", staged),
  replacing("update", "updateFile", (file, content) => updateFile(file, () => content)),
  making("create", "writeFile of a new file", ["one", "two"], (file, content) => writeFile(file, content)),
  making("if-absent", "writeFile with ifAbsent", ["one", "two"], (file, content) => writeFile(file, content, { ifAbsent: true })),
  making("parents", "writeFile with parents", ["deep/down/one", "dark/two"], (file, content) =>
    writeFile(file, content, { parents: true }),
  ),
  directories,
  swapped,
  together,
  again,
  checkpointProtocol(goesThrough),
  tileSetProtocol(goesThrough),
  ...LOG_PROTOCOLS,
  transacted,
];
