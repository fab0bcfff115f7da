/** Whatever crashes, a file written through the public API is the old one or the new one, and what was acknowledged stays. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createWriteStream, readFile, stageFile, updateFile, updateFileSync, writeFile, writeFileSync } from "holdfast";
import { SABOTAGE_NAMES, type SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { parseOurName } from "../../dist/format/names.js";

const PATH = "/app/config.json";
const OLD = "the old content";
const NEW = "the new content";
const LARGE = "0123456789abcdef".repeat(640); // three blocks

const withOld = (disk: SimDisk): void => disk.writeFile(PATH, OLD);

function expectContent(disk: SimDisk, finished: boolean, allowed: readonly (string | undefined)[], path = PATH): void {
  const found = disk.readText(path);
  assert.ok(allowed.includes(found), `${path} is neither old nor new: ${found?.slice(0, 40)}`);
  assert.ok(!finished || found === allowed.at(-1), `${path} was acknowledged and is lost`);
}

const replacing = (run: SweepOptions["run"], text = NEW): SweepOptions => ({
  setup: withOld,
  run,
  check: ({ disk, finished }) => expectContent(disk, finished, [OLD, text]),
});

async function* chunks(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += 5000) yield text.slice(at, at + 5000);
}

const WAYS: Record<string, SweepOptions> = {
  writeFile: replacing(() => writeFile(PATH, NEW)),
  "writeFile, several blocks": replacing(() => writeFile(PATH, LARGE), LARGE),
  "writeFile of a source": replacing(() => writeFile(PATH, chunks(LARGE)), LARGE),
  writeFileSync: replacing(() => writeFileSync(PATH, NEW)),
  stageFile: replacing(async () => {
    const staged = await stageFile(PATH);
    await staged.write(NEW.slice(0, 5));
    await staged.write(NEW.slice(5));
    await staged.commit();
  }),
  createWriteStream: replacing(
    () =>
      new Promise<void>((resolve, reject) => {
        createWriteStream(PATH).on("error", reject).on("finish", resolve).end(NEW);
      }),
  ),
  updateFile: replacing(() => updateFile(PATH, () => NEW)),
  updateFileSync: replacing(() => updateFileSync(PATH, () => NEW)),
  "a new file": {
    setup: (disk) => disk.makeDir("/app"),
    run: () => writeFile(PATH, NEW),
    check: ({ disk, finished }) => expectContent(disk, finished, [undefined, NEW]),
  },
  ifAbsent: {
    setup: (disk) => disk.makeDir("/app"),
    run: () => writeFile(PATH, NEW, { ifAbsent: true }),
    check: ({ disk, finished }) => expectContent(disk, finished, [undefined, NEW]),
  },
  parents: {
    run: () => writeFile("/app/deep/down/f", NEW, { parents: true }),
    check: ({ disk, finished }) => expectContent(disk, finished, [undefined, NEW], "/app/deep/down/f"),
  },
  "through a symbolic link": {
    setup(disk) {
      disk.writeFile("/data/real.json", OLD);
      disk.symlink("/app/link.json", "../data/real.json");
    },
    run: () => writeFile("/app/link.json", NEW),
    check({ disk, finished }) {
      expectContent(disk, finished, [OLD, NEW], "/app/link.json");
      assert.equal(disk.tree()["/app/link.json"], "-> ../data/real.json");
    },
  },
  "a link that is replaced": {
    setup(disk) {
      disk.writeFile("/data/real.json", OLD);
      disk.symlink("/app/link.json", "../data/real.json");
    },
    run: () => writeFile("/app/link.json", NEW, { symlink: "replace" }),
    check({ disk, finished }) {
      expectContent(disk, finished, [OLD, NEW], "/app/link.json");
      assert.equal(disk.readText("/data/real.json"), OLD);
    },
  },
};

for (const [name, options] of Object.entries(WAYS)) {
  it(`${name}: old or new after every crash`, async () => {
    for (const profile of ["strict", "paranoid"] as const) {
      const { violations, states, text } = await sweep({ ...options, profile });
      assert.equal(violations, 0, text);
      assert.ok(states >= 6, text);
    }
  });
}

// Under "paranoid", blocks of other files in a new lock file make it no lock file: see docs/format/lock.md.
it("after every crash the next update has the lock at once, and sees the old content or the new one", async () => {
  const { violations, text } = await sweep({
    profile: "strict",
    setup: withOld,
    run: () => updateFile(PATH, () => NEW),
    async check({ disk, finished }) {
      expectContent(disk, finished, [OLD, NEW]);
      await updateFile(PATH, (old) => `${new TextDecoder().decode(old)}+`, { lockTimeoutMs: 0 });
      expectContent(disk, finished, [`${OLD}+`, `${NEW}+`]);
    },
  });
  assert.equal(violations, 0, text);
});

describe("the sweep would see it", () => {
  for (const sabotage of SABOTAGE_NAMES) {
    it(`writeFile fails under ${sabotage}`, async () => {
      assert.ok((await sweep(replacing(() => writeFile(PATH, NEW)))).violations === 0);
      assert.ok((await sweep({ ...replacing(() => writeFile(PATH, NEW)), sabotage })).violations > 0);
    });
  }

  it("parents without directory syncs are lost", async () => {
    const options = WAYS["parents"];
    assert.ok(options);
    assert.ok((await sweep({ ...options, sabotage: "no-directory-sync" })).violations > 0);
  });
});

it("a file that is replaced keeps mode and owner through every crash", async () => {
  const { violations, text } = await sweep({
    setup: (disk) => disk.writeFile(PATH, OLD, 0o640),
    run: () => writeFile(PATH, NEW),
    check: ({ disk }) => assert.equal(disk.process().sync.lstat(PATH)?.mode, 0o640),
  });
  assert.equal(violations, 0, text);
});

it("durability atomic: old or new, and only the newest may be lost", async () => {
  const seen = new Set<string>();
  const { violations, text } = await sweep({
    setup: withOld,
    run: () => writeFile(PATH, NEW, { durability: "atomic" }),
    check({ disk, finished }) {
      seen.add(`${finished} ${disk.readText(PATH)}`);
      expectContent(disk, false, [OLD, NEW]);
    },
  });
  assert.equal(violations, 0, text);
  assert.ok(seen.has(`true ${OLD}`), "without a directory sync the acknowledged content can be lost");
});

it("the next start writes again and tidies up, from every state, and is crashed as well", async () => {
  const { violations, states, text } = await sweep<string>({
    setup: withOld,
    run: () => writeFile(PATH, NEW),
    async recover({ acknowledge }) {
      await writeFile("/app/other.json", LARGE);
      acknowledge(LARGE);
    },
    check({ disk, finished, acknowledged }) {
      expectContent(disk, finished, [OLD, NEW]);
      if (acknowledged.length > 0) expectContent(disk, true, [LARGE], "/app/other.json");
      const left = Object.keys(disk.tree()).filter((path) => parseOurName(path.slice(path.lastIndexOf("/") + 1)));
      assert.deepEqual(left, [], "the first write in a directory removes what dead writers left there");
    },
  });
  assert.equal(violations, 0, text);
  assert.ok(states > 50, text);
});

it("a reader after a crash reads one of the versions that were in flight, and none before the acknowledged", async () => {
  const versions = ["one", "two", "three"];
  const { violations, text } = await sweep<string>({
    setup: withOld,
    async run({ acknowledge }) {
      await Promise.all(
        versions.map(async (version) => {
          await writeFile(PATH, version);
          acknowledge(version);
        }),
      );
    },
    async check({ acknowledged }) {
      const found = await readFile(PATH, "utf8");
      const all = [OLD, ...versions];
      assert.ok(all.indexOf(found) >= all.indexOf(acknowledged.at(-1) ?? OLD), `${found} after ${acknowledged}`);
    },
  });
  assert.equal(violations, 0, text);
});
