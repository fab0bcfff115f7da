/** Whatever crashes, a directory has its old content or its new one, whole, once Holdfast is used beside it again. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { stageDirectory } from "holdfast";
import { type SimDisk, type SimDiskOptions, type SweepOptions, sweep } from "holdfast/sim";
import { parseOurName } from "../../dist/format/names.js";

const DIR = "/app/site";
const OLD = { a: "old", gone: "x" };
const NEW = { a: "new", "sub/b": "b" };

type Files = Readonly<Record<string, string>>;

const put =
  (files: Files) =>
  (disk: SimDisk): void => {
    disk.makeDir(DIR);
    for (const [name, text] of Object.entries(files)) disk.writeFile(`${DIR}/${name}`, text);
  };

async function publish(files: Files = NEW): Promise<unknown> {
  const staged = await stageDirectory(DIR, { replace: true });
  for (const [name, text] of Object.entries(files)) void staged.writeFile(name, text);
  return await staged.commit();
}

/** What a process does that has nothing to do with the directory but is beside it. */
async function useBeside(): Promise<void> {
  await (await stageDirectory("/app/other")).discard();
}

function contentOf(disk: SimDisk): Files | undefined {
  const tree = disk.tree();
  if (!(`${DIR}/` in tree)) return undefined;
  const files = Object.entries(tree).filter(([path]) => path.startsWith(`${DIR}/`) && !path.endsWith("/"));
  return Object.fromEntries(files.map(([path, text]) => [path.slice(DIR.length + 1), text]));
}

function expectOldOrNew(disk: SimDisk, finished: boolean, old: Files | undefined): void {
  const found = contentOf(disk);
  const isOneOf = [old, NEW].some((one) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(found)));
  assert.ok(isOneOf, `neither old nor new: ${JSON.stringify(found)}`);
  if (finished) assert.deepEqual(sorted(found), sorted(NEW), "it was acknowledged and is lost");
}

const sorted = (files: Files | undefined): unknown => files && Object.entries(files).sort();

/** On Windows a staged record is young, and so kept, if a power loss took the name of its unit. */
function expectNothingLeft(disk: SimDisk, { platform }: SimDiskOptions): void {
  const partOf = (path: string): string | undefined => parseOurName(path.replace(/\/$/, "").split("/").at(-1) ?? "")?.part;
  const left = Object.keys(disk.tree()).filter((path) => partOf(path) && !(platform === "windows" && partOf(path) === "stage"));
  assert.deepEqual(left, [], "something of a dead owner is left");
}

const scenario = (old: Files | undefined, options: SimDiskOptions = {}): SweepOptions => ({
  setup: old ? put(old) : (it) => it.makeDir("/app"),
  disk: options,
  run: () => publish(),
  recover: useBeside,
  check({ disk, finished }) {
    expectOldOrNew(disk, finished, old);
    expectNothingLeft(disk, options);
  },
});

const WAYS: Record<string, readonly [old: Files | undefined, disk?: SimDiskOptions]> = {
  "an absent target": [undefined],
  "an empty target": [{}],
  "an existing target, by exchange": [OLD],
  "an existing target, in two steps": [OLD, { exchanges: false }],
  "an existing target, file by file": [OLD, { layered: true }],
  "an existing target on Windows": [OLD, { platform: "windows" }],
  "an absent target on Windows": [undefined, { platform: "windows" }],
  "an empty target on Windows": [{}, { platform: "windows" }],
};

for (const [name, [old, disk]] of Object.entries(WAYS)) {
  it(`${name}: old or new after every crash and recovery`, async () => {
    const { violations, states, text } = await sweep({ ...scenario(old, disk), depth: 1 });
    assert.equal(violations, 0, text);
    console.log(name, states);
  });
}
