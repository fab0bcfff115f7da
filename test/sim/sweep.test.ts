/** The crash sweep finds what it has to find, says why, and leaves nothing out. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SABOTAGE_NAMES, type SimDisk, type SweepOptions, sweep } from "holdfast/sim";
import { currentMachine } from "../../dist/io/current.js";
import { type Barriers, overwriteToy, readToy, replaceToy } from "./toy.ts";

const OLD = "old";
const NEW = "new!";
const BLOCK = 4096;

const setup = (disk: SimDisk): void => disk.writeFile("/d/f", OLD);

function expectWhole(disk: SimDisk, finished: boolean, wanted = NEW): void {
  const found = disk.readText("/d/f");
  assert.ok(found === wanted || found === OLD, `torn: ${found}`);
  assert.ok(!finished || found === wanted, "acknowledged, but lost");
}

const replacing = (barriers: Barriers, more: Partial<SweepOptions> = {}): SweepOptions => ({
  setup,
  run: () => replaceToy(NEW, barriers),
  check: ({ disk, finished }) => expectWhole(disk, finished),
  ...more,
});

describe("a crash sweep", () => {
  it("finds nothing in a sound protocol, under each profile", async () => {
    for (const profile of ["kill", "strict", "paranoid"] as const) {
      const report = await sweep(replacing({}, { profile }));
      assert.equal(report.violations, 0, report.text);
      assert.match(report.text, /^No promise was broken: \d+ states from \d+ crash points/);
    }
  });

  it("finds a missing file sync, and says that content was lost under the new name", async () => {
    const { violations, text } = await sweep(replacing({ file: false }));
    assert.ok(violations > 0);
    assert.match(text, /------ power loss (before|after) \d+/);
    assert.match(text, /Lost in it:\n +2 {2}content, block 0, of \/d\/stage\n/);
    assert.match(text, /\/d\/f {2}4 bytes: 4 x NUL/);
    assert.match(text, /profile "strict" and seed 1/);
  });

  it("finds a missing directory sync, and says that the name was lost", async () => {
    const { smallest, text } = await sweep(replacing({ directory: false }));
    assert.equal(smallest?.message, "acknowledged, but lost");
    assert.match(text, /the name f in \/d\n/);
    assert.doesNotMatch(text, /Lost in it:[\s\S]*content[\s\S]*Not lost/, "only what the failure needs is lost");
  });

  it("finds a write in place, torn by a kill too", async () => {
    const large = "n".repeat(3 * BLOCK);
    const options: SweepOptions = {
      setup,
      run: () => overwriteToy(large),
      check: ({ disk, finished }) => expectWhole(disk, finished, large),
    };
    const { smallest, text } = await sweep({ ...options, profile: "kill" });
    assert.match(text, /------ kill inside 2, after block 1 of the write/);
    assert.equal(smallest?.crashes[0]?.kind, "kill");
    assert.ok((await sweep(options)).violations > 5);
  });

  for (const sabotage of SABOTAGE_NAMES) {
    it(`fails under the negative control ${sabotage}, and names it`, async () => {
      const { violations, text } = await sweep(replacing({}, { sabotage }));
      assert.ok(violations > 0);
      assert.match(text, /\(sabotage: /);
    });
  }

  it("judges by what was acknowledged before the crash, and not by what came later", async () => {
    const versions = ["one", "two", "three"];
    const states = new Set<string>();
    const { violations, text } = await sweep<string>({
      setup,
      async run({ acknowledge }) {
        for (const version of versions) {
          await replaceToy(version);
          acknowledge(version);
        }
      },
      check({ disk, acknowledged, finished }) {
        states.add(`${acknowledged.length} ${disk.readText("/d/f")} ${finished}`);
        const allowed = [OLD, ...versions].slice(acknowledged.length);
        assert.ok(allowed.slice(0, 2).includes(disk.readText("/d/f") ?? ""));
      },
    });
    assert.equal(violations, 0, text);
    for (const state of ["0 old false", "0 one false", "1 one false", "2 three false", "3 three true"])
      assert.ok(states.has(state), state);
    assert.ok(!states.has("1 old false"));
  });

  it("gives the same for the same seed", async () => {
    const options = replacing({ file: false }, { seed: 7 });
    assert.equal((await sweep(options)).text, (await sweep(options)).text);
  });

  it("rejects as the scenario does when that fails without a crash", async () => {
    await assert.rejects(sweep({ run: () => replaceToy(NEW), check: () => {} }), { code: "ENOENT" });
  });

  it("sees what a scenario has started and not waited for", async () => {
    const report = await sweep(replacing({}, { run: () => void replaceToy(NEW) }));
    assert.equal(report.smallest?.message, "acknowledged, but lost");
  });

  it("takes a sync for no proof of what was asked for at the same time", async () => {
    const run = async (): Promise<void> => {
      const { io } = currentMachine();
      const open = await io.open("/d/f", "edit");
      await Promise.all([io.write(open, new TextEncoder().encode(NEW), 0), io.syncFile(open)]);
    };
    const { violations } = await sweep({
      setup,
      run,
      check: ({ disk, finished }) => assert.ok(!finished || disk.readText("/d/f") === NEW),
    });
    assert.ok(violations > 0);
  });
});

describe("the moments that are looked at contain all others", () => {
  const statesOf = async (run: () => unknown, everyStep: boolean): Promise<Set<string>> => {
    const seen = new Set<string>();
    const check: SweepOptions["check"] = ({ disk, finished }) => void seen.add(`${finished} ${JSON.stringify(disk.tree())}`);
    await sweep({ setup, run, check, everyStep });
    return seen;
  };
  const scenarios: Record<string, () => unknown> = {
    "a replace": () => replaceToy("n".repeat(BLOCK + 1)),
    "no barrier at all": () => replaceToy(NEW, { file: false, directory: false }),
    "two in a row": async () => {
      await replaceToy("one");
      await replaceToy("two", { file: false });
    },
  };
  for (const [name, run] of Object.entries(scenarios)) {
    it(name, async () => {
      const [chosen, every] = [await statesOf(run, false), await statesOf(run, true)];
      assert.deepEqual(
        [...every].filter((state) => !chosen.has(state)),
        [],
      );
      assert.ok(every.size >= 4);
    });
  }
});

describe("a recovery is crashed too", () => {
  /** Removes the stage and copies nothing: sound. */
  const tidyUp = async (): Promise<void> => {
    const { io } = currentMachine();
    if ((await io.lstat("/d/stage")) === undefined) return;
    await io.unlink("/d/stage");
    await io.syncDir("/d");
  };
  const expectTidy = (disk: SimDisk): void => assert.ok(!("/d/stage" in disk.tree()), "the stage is left");

  it("and is sound when it does only what it may", async () => {
    const options = replacing({}, { recover: tidyUp });
    const check: SweepOptions["check"] = ({ disk, finished }) => {
      expectWhole(disk, finished);
      expectTidy(disk);
    };
    const [once, twice] = [await sweep({ ...options, check, depth: 1 }), await sweep({ ...options, check })];
    assert.equal(twice.violations, 0, twice.text);
    assert.ok(twice.crashPoints > once.crashPoints);
  });

  it("and found out when it destroys before it has something to put in its place", async () => {
    const careless = async (): Promise<void> => {
      const { io } = currentMachine();
      const text = await readToy();
      await io.unlink("/d/f");
      await io.syncDir("/d");
      await replaceToy(text, {}, "/d/again");
    };
    const options = replacing({}, { recover: careless });
    assert.equal((await sweep({ ...options, depth: 1 })).violations, 0, "only a crash inside it shows that");
    const { smallest, text } = await sweep(options);
    assert.equal(smallest?.crashes.length, 2);
    assert.match(text, /recovery +unlink/);
  });

  it("and found out when it trusts what a killed process has not synced", async () => {
    const tell = (sync: boolean): SweepOptions<string> => ({
      setup,
      run: () => replaceToy(NEW),
      async recover({ acknowledge }) {
        const text = await readToy();
        if (sync) await currentMachine().io.syncDir("/d");
        acknowledge(text);
      },
      check: ({ disk, acknowledged }) =>
        assert.ok(
          acknowledged.every((told) => told === disk.readText("/d/f")),
          "told, then lost",
        ),
    });
    assert.equal((await sweep(tell(true))).violations, 0);
    const { smallest, text } = await sweep(tell(false));
    assert.deepEqual(
      smallest?.crashes.map(({ kind }) => kind),
      ["kill", "power loss"],
    );
    assert.match(text, /recovery +\(acknowledged\) new!/);
  });
});

describe("large programs are sampled", () => {
  it("and each class of failure is still found", async () => {
    const many = "m".repeat(40 * BLOCK);
    const check: SweepOptions["check"] = ({ disk, finished }) => expectWhole(disk, finished, many);
    const sound = await sweep({ setup, run: () => replaceToy(many), check });
    assert.equal(sound.violations, 0, sound.text);
    assert.ok(sound.states > 40);
    for (const barriers of [{ file: false }, { directory: false }]) {
      const report = await sweep({ setup, run: () => replaceToy(many, barriers), check });
      assert.ok(report.violations > 0);
      const lost = /Lost in it:\n((?: .*\n)+)/.exec(report.text)?.[1]?.trimEnd().split("\n") ?? [];
      assert.ok(lost.length >= 1 && lost.length <= 2, report.text);
    }
  });
});

describe("requests in flight", () => {
  /** Two files at once. */
  const both = (sync: boolean) => async (): Promise<void> => {
    const { io } = currentMachine();
    await Promise.all(
      ["/d/a", "/d/b"].map(async (path) => {
        const file = await io.open(path, "edit");
        await io.write(file, new TextEncoder().encode("new"), 0);
        if (sync) await io.syncFile(file);
      }),
    );
  };
  const statesOf = async (profile: "kill" | "strict", sync: boolean): Promise<string[]> => {
    const seen = new Set<string>();
    await sweep({
      profile,
      setup(disk) {
        disk.writeFile("/d/a", "old");
        disk.writeFile("/d/b", "old");
      },
      run: both(sync),
      check: ({ disk, finished }) => void (finished || seen.add(`${disk.readText("/d/a")} ${disk.readText("/d/b")}`)),
    });
    return [...seen].sort();
  };

  it("may be done in any order when the process is killed", async () => {
    assert.deepEqual(await statesOf("kill", false), ["new new", "new old", "old new", "old old"]);
  });

  it("and when power is lost", async () => {
    assert.deepEqual(await statesOf("strict", true), ["new new", "new old", "old new", "old old"]);
  });
});
