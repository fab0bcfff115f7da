/** What is in a directory, as text that tells any two contents apart and stays short: `a*4096 NUL*1904`. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { SimDisk } from "../../sim/index.ts";

/**
 * Names relative to the directory, `/` after directories, with what is there. Holdfast's own (docs/format) are left out, and logs and
 * tile sets, of which the content differs each time.
 */
export type Tree = ReadonlyMap<string, string>;

const OWN = /^\.holdfast-|\.(lock|log|vrt)$|_tiles\.\d{6}-|^(damaged|generation|part)-\d{12}/;
const isOwn = (name: string): boolean => name.split("/").some((part) => OWN.test(part));

const known = new Map<string, string>();
const KNOWN_MAX = 1000;

/** Each run of one letter with its length. Contents come again and again: of so many the answer is kept. */
export function runsOf(text: string): string {
  let runs = known.get(text);
  if (runs === undefined) {
    if (known.size >= KNOWN_MAX) known.clear();
    runs = countRuns(text);
    known.set(text, runs);
  }
  return runs;
}

function countRuns(text: string): string {
  const runs = text.match(/([\s\S])\1*/g) ?? [];
  return runs.map((run) => `${run[0] === "\0" ? "NUL" : run[0]}*${run.length}`).join(" ");
}

const sorted = (entries: readonly (readonly [string, string])[]): Tree =>
  new Map([...entries].filter(([name]) => !isOwn(name)).sort(([a], [b]) => (a < b ? -1 : 1)));

/** What the kernel shows. */
export function treeOnDisk(dir: string): Tree {
  const entries = (below: string): [string, string][] =>
    fs.readdirSync(path.join(dir, below), { withFileTypes: true }).flatMap((entry): [string, string][] => {
      const name = path.posix.join(below, entry.name);
      if (entry.isDirectory()) return [[`${name}/`, ""], ...entries(name)];
      return [[name, contentOf(path.join(dir, name))]];
    });
  return sorted(entries(""));
}

/** A file that can't be read is a finding, not an accident. */
function contentOf(file: string): string {
  try {
    return runsOf(fs.readFileSync(file, "latin1"));
  } catch (error) {
    return `unreadable (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** What the simulator shows. */
export function treeInSimulator(disk: SimDisk, dir: string): Tree {
  const prefix = `${dir}/`;
  const below = Object.entries(disk.tree()).filter(([name]) => name.startsWith(prefix) && name !== prefix);
  return sorted(below.map(([name, text]) => [name.slice(prefix.length), runsOf(text)]));
}
