/** One directory that is published, and what can be seen of it: for crash, fault and order sweeps. */
import assert from "node:assert/strict";
import { type DirectoryResult, stageDirectory } from "holdfast";
import type { SimDisk, SimDiskOptions } from "holdfast/sim";
import { type Part, parseOurName } from "../../dist/format/names.js";

export const DIR = "/app/site";

export type Files = Readonly<Record<string, string>>;

/** `gone` is not in the new one, `sub/b` not in the old one. */
export const OLD: Files = { a: "old", gone: "x" };
export const NEW: Files = { a: "new", "sub/b": "b" };

/** Puts a directory there; undefined: only what it is in. */
export const put =
  (files: Files | undefined) =>
  (disk: SimDisk): void => {
    disk.makeDir(files ? DIR : "/app");
    for (const [name, text] of Object.entries(files ?? {})) disk.writeFile(`${DIR}/${name}`, text);
  };

/** Publishes a directory with these files, whatever is there. */
export async function publish(files: Files = NEW): Promise<DirectoryResult> {
  const staged = await stageDirectory(DIR, { replace: true });
  for (const [name, text] of Object.entries(files)) void staged.writeFile(name, text);
  return await staged.commit();
}

/** What a process does that has nothing to do with the directory, but is beside it. */
export async function useBeside(): Promise<void> {
  await (await stageDirectory("/app/other")).discard();
}

/** The files of the directory with their text, in order; undefined if it is not there. */
export function contentOf(disk: SimDisk, dir = DIR): Files | undefined {
  const tree = disk.tree();
  if (!(`${dir}/` in tree)) return undefined;
  const files = Object.entries(tree).filter(([path]) => path.startsWith(`${dir}/`) && !path.endsWith("/"));
  return Object.fromEntries(files.map(([path, text]) => [path.slice(dir.length + 1), text]));
}

/** At each moment `old` or `changed`; once it is finished, the latter. */
export function expectOldOrNew(disk: SimDisk, finished: boolean, old: Files | undefined, changed: Files = NEW): void {
  const found = contentOf(disk);
  const isOneOf = [old, changed].some((one) => JSON.stringify(one) === JSON.stringify(found));
  assert.ok(isOneOf, `neither old nor new: ${JSON.stringify(found)}`);
  if (finished) assert.deepEqual(found, changed, "it was acknowledged and is lost");
}

/** The names of ours on a disk, with what they are. */
export function oursOn(disk: SimDisk): { readonly path: string; readonly part: Part }[] {
  return Object.keys(disk.tree()).flatMap((path) => {
    const name = parseOurName(path.replace(/\/$/, "").split("/").at(-1) ?? "");
    return name ? [{ path, part: name.part }] : [];
  });
}

/** On Windows a staged record is kept while it is young. */
export function expectNothingLeft(disk: SimDisk, { platform }: SimDiskOptions = {}): void {
  const left = oursOn(disk).filter(({ part }) => !(platform === "windows" && part === "stage"));
  assert.deepEqual(left, [], "something of a dead owner is left");
}

/** What each way of publishing needs of a disk, and what it begins with. */
export const WAYS: Record<string, { readonly old: Files | undefined; readonly disk: SimDiskOptions; readonly way: string }> = {
  "an absent target": { old: undefined, disk: {}, way: "rename" },
  "an empty target": { old: {}, disk: {}, way: "rename" },
  "an existing target, by exchange": { old: OLD, disk: {}, way: "exchange" },
  "an existing target, in two steps": { old: OLD, disk: { exchanges: false }, way: "two-step" },
  "an existing target, file by file": { old: OLD, disk: { layered: true }, way: "file-by-file" },
  "an existing target on Windows": { old: OLD, disk: { platform: "windows" }, way: "file-by-file" },
  "an absent target on Windows": { old: undefined, disk: { platform: "windows" }, way: "file-by-file" },
  "an empty target on Windows": { old: {}, disk: { platform: "windows" }, way: "file-by-file" },
};
