/** The process that a storm kills: writes version after version of its file, in every way there is, until it is dead. */
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as hf from "holdfast";
import type { Toolbox } from "./child.ts";
import { Seeded } from "./seeded.ts";

/** One content of a file. */
export interface Version {
  readonly number: number;
  /** As many letters as the number says, so that a part is no whole. */
  readonly fill: string;
}

export interface Writer {
  readonly dir: string;
  readonly name: string;
  readonly from: number;
  readonly seed: number;
  /** A negative control: writes its file in place, piece by piece. */
  readonly inPlace: boolean;
}

/** What it says before a version is written, and once it is. */
export type Said = { readonly begun: number } | { readonly done: number };

const LONG = 400_000;

export function fillOf(number: number): string {
  return String(number % 10).repeat(number % 9 === 0 ? LONG : 2000 + (number % 7) * 3000);
}

export function fileOf({ dir, name }: Pick<Writer, "dir" | "name">): string {
  return path.join(dir, `${name}.json`);
}

/** The file that a writer makes for each version that it makes in this way. */
export function madeOf({ dir, name }: Pick<Writer, "dir" | "name">, number: number): string {
  return path.join(dir, `made-${name}`, `${number}.json`);
}

/** The file that all write. */
export function sharedOf(dir: string): string {
  return path.join(dir, "shared.json");
}

type Way = (file: string, version: Version) => unknown;

const half = (text: string): string[] => [text.slice(0, text.length / 2), text.slice(text.length / 2)];

const WAYS: readonly Way[] = [
  (file, version) => hf.writeFile(file, half(JSON.stringify(version))),
  (file, version) => hf.writeFileSync(file, JSON.stringify(version)),
  (file, version) => hf.writeJson(file, version),
  (file, version) => hf.updateJson(file, () => version),
  (file, version) => hf.updateFileSync(file, () => JSON.stringify(version)),
  (file, version) => pipeline(Readable.from(half(JSON.stringify(version))), hf.createWriteStream(file)),
  async (file, version) => {
    const staged = await hf.stageFile(file);
    for (const text of half(JSON.stringify(version))) await staged.write(text);
    await staged.commit();
  },
];

const inPlace: Way = async (file, version) => {
  const handle = await fs.promises.open(file, "w");
  for (const text of half(JSON.stringify(version)).flatMap(half)) await handle.writeFile(text);
  await handle.close();
};

export async function writeUntilKilled({ say }: Pick<Toolbox, "say">, writer: Writer): Promise<void> {
  const random = new Seeded(writer.seed);
  const ways = writer.inPlace ? [inPlace] : WAYS;
  const tell = (said: Said): void => say(said);
  for (let number = writer.from; ; number++) {
    const version: Version = { number, fill: fillOf(number) };
    tell({ begun: number });
    if (random.int(4) === 0) await hf.writeJson(sharedOf(writer.dir), version);
    const made = hf.writeJson(madeOf(writer, number), version, { ifAbsent: true, parents: true });
    await random.of(...ways)(fileOf(writer), version);
    await made;
    tell({ done: number });
  }
}
