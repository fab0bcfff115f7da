/** Writers that are killed at random moments, several at a time in one directory; and what has to be there after each kill. */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { writeFile } from "holdfast";
import { type Child, startChild } from "./child.ts";
import { freshMachine, withMachine } from "./machines.ts";
import { Seeded } from "./seeded.ts";
import { fileOf, fillOf, madeOf, type Said, sharedOf, type Version, type Writer } from "./storm-writer.ts";
import { leftovers } from "./temp-dir.ts";

const MODULE = fileURLToPath(new URL("storm-writer.js", import.meta.url));
const WRITERS = ["a", "b", "c"];
/** After so many versions at most, and so many turns of the event loop more. */
const VERSIONS_MAX = 6;
const TURNS_MAX = 60;

export interface StormOptions {
  readonly dir: string;
  readonly kills: number;
  readonly random: Seeded;
  readonly progress?: (kills: number) => void;
  /** A negative control: the writers write in place. */
  readonly inPlace?: boolean;
}

export interface StormResult {
  readonly kills: number;
  /** Versions that were acknowledged. */
  readonly written: number;
  /** Kills in the middle of a version. */
  readonly inside: number;
  readonly violations: readonly string[];
}

/** Kills until `kills` are done. All that it started is gone when it returns or throws. */
export async function storm({ dir, kills, random, progress = () => {}, inPlace = false }: StormOptions): Promise<StormResult> {
  const living = new Set<Child<void>>();
  const result = { kills: 0, written: 0, inside: 0, violations: [] as string[] };
  let left = kills;
  const writer = async (name: string, own: Seeded): Promise<void> => {
    let reached = 0;
    while (left-- > 0) {
      const child = startChild(
        async (box, { module, writer }) => {
          const { writeUntilKilled } = (await box.load(module)) as typeof import("./storm-writer.ts");
          await writeUntilKilled(box, writer);
        },
        { module: MODULE, writer: { dir, name, from: reached + 1, seed: own.int(2 ** 31), inPlace } satisfies Writer },
      );
      living.add(child);
      const { begun, done } = await killedSometime(child, own, reached);
      living.delete(child);
      const { found, wrong } = examine({ dir, name }, reached, begun, done);
      result.kills++;
      result.written += done - reached;
      if (begun > done) result.inside++;
      result.violations.push(...wrong.map((reason) => `kill ${result.kills}, writer ${name}: ${reason}`));
      reached = Math.max(found, begun); // a file that was begun may be there already, and is made only once
      progress(result.kills);
    }
  };
  try {
    await Promise.all(WRITERS.map((name) => writer(name, new Seeded(random.int(2 ** 31)))));
  } finally {
    await Promise.all([...living].map((child) => child.kill()));
  }
  for (const at of [dir, ...WRITERS.map((name) => path.dirname(madeOf({ dir, name }, 0)))]) {
    if (!fs.existsSync(at)) continue;
    await withMachine(freshMachine(), () => writeFile(path.join(at, "other"), ""));
    result.violations.push(...leftovers(at).map((name) => `at the end: left behind after recovery: ${name}`));
  }
  return result;
}

/** The last versions that it began and that it wrote, also those that it said as it died. */
async function killedSometime(child: Child<void>, random: Seeded, reached: number): Promise<{ begun: number; done: number }> {
  const last = { begun: reached, done: reached };
  let versions = random.int(VERSIONS_MAX);
  let killing: Promise<void> | undefined;
  for (let said = await child.next(); said !== undefined; said = await child.next()) {
    Object.assign(last, said as Said);
    if ("done" in (said as Said)) versions--;
    if (versions >= 0 || killing) continue;
    for (let turns = random.int(TURNS_MAX); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    killing = child.kill();
  }
  if (!killing) await child.result; // it died by itself: this says why
  await killing;
  return last;
}

/** What is wrong with the files of a writer that was killed, and with the one that all write. */
function examine(writer: Pick<Writer, "dir" | "name">, reached: number, begun: number, done: number) {
  const wrong: string[] = [];
  const numberAt = (file: string): number | undefined => {
    if (!fs.existsSync(file)) return undefined;
    const text = fs.readFileSync(file, "utf8");
    const { number, fill } = parsed(text) ?? {};
    if (number !== undefined && fill === fillOf(number)) return number;
    wrong.push(`${path.basename(file)} is not whole: ${text.length} letters`);
    return undefined;
  };
  const found = numberAt(fileOf(writer)) ?? 0;
  if (found < done) wrong.push(`version ${found} was found, ${done} was acknowledged`);
  if (found > begun) wrong.push(`version ${found} was found, which was not begun`);
  numberAt(sharedOf(writer.dir));
  for (let number = reached + 1; number <= begun; number++) {
    const made = numberAt(madeOf(writer, number));
    if (number <= done && made !== number) wrong.push(`file ${number} was acknowledged, and is not there`);
  }
  return { found, wrong };
}

function parsed(text: string): Version | undefined {
  try {
    return JSON.parse(text) as Version;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
