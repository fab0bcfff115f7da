/** Writers, readers and sweepers at once, in every order of their requests. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHoldfastError, readFile, writeFile } from "holdfast";
import { type InterleavedState, type InterleaveOptions, interleave, type SimDisk } from "holdfast/sim";
import { type Finish, replaceFile } from "../../dist/core/replace.js";
import { sweepDead } from "../../dist/core/sweep.js";
import { newId, OURS, ourName, parseOurName } from "../../dist/format/names.js";
import { currentMachine } from "../../dist/io/current.js";
import type { Program } from "../../dist/io/program.js";
import { run } from "../../dist/io/run.js";
import { deep, needsWide } from "../support/deep.ts";
import { FINISH } from "../support/finish.ts";

const PATH = "/app/config.json";
const OLD = "old";

const perform = <T>(program: Program<T>): Promise<T> => run(program, currentMachine().io);
const replace =
  (text: string, more: Partial<Finish> = {}) =>
  (): Promise<unknown> =>
    perform(replaceFile({ dir: "/app", path: PATH }, new TextEncoder().encode(text), { ...FINISH, ...more }));
const sweepApp = (): Promise<unknown> => perform(sweepDead("/app"));
const setup = (disk: SimDisk): void => disk.writeFile(PATH, OLD);

function expectNoFailure({ endings }: InterleavedState): void {
  for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
}

const staged = (disk: SimDisk): string[] => Object.keys(disk.tree()).filter((path) => parseOurName(path.slice("/app/".length)));

async function expectSound(options: InterleaveOptions): Promise<void> {
  const { violations, complete, text } = await interleave(options);
  assert.equal(violations, 0, text);
  assert.ok(complete, text);
}

describe("the core programs, in every order", () => {
  const bothOrOne =
    (...texts: string[]) =>
    (state: InterleavedState) => {
      expectNoFailure(state);
      assert.ok(texts.includes(state.disk.readText(PATH) ?? ""), state.disk.readText(PATH));
      assert.deepEqual(staged(state.disk), []);
    };

  it("writer and writer: one of the two, whole, nothing left", () =>
    expectSound({ setup, programs: [replace("A"), replace("BB")], check: bothOrOne("A", "BB") }));

  it("writer and sweeper: a live writer's file is never taken", () =>
    expectSound({ setup, programs: [replace("A"), sweepApp], check: bothOrOne("A") }));

  it("a writer that dies anywhere, and a sweeper: old or new", () =>
    expectSound({
      setup,
      programs: [replace("A"), sweepApp],
      kills: true,
      check: ({ disk }) => assert.ok([OLD, "A"].includes(disk.readText(PATH) ?? "")),
    }));

  it("two sweepers of one dead file", () =>
    expectSound({
      setup: (disk) => disk.writeFile(`/app/${ourName("stage", newId(new Uint8Array(16)))}`, "dead"),
      programs: [sweepApp, sweepApp],
      check: ({ disk }) => assert.deepEqual(staged(disk), []),
    }));

  it("two writers of a new name: exactly one succeeds, the other learns that it exists", () =>
    expectSound({
      setup: (disk) => disk.makeDir("/app"),
      programs: [replace("A", { ifAbsent: true }), replace("BB", { ifAbsent: true })],
      check({ disk, endings }) {
        const failed = endings.filter((ending) => ending.status === "rejected");
        assert.equal(failed.length, 1);
        assert.ok(failed.every(({ reason }) => isHoldfastError(reason, "EXISTS") && reason.outcome === "unchanged"));
        assert.equal(disk.readText(PATH), endings[0]?.status === "fulfilled" ? "A" : "BB");
        assert.deepEqual(staged(disk), []);
      },
    }));

  it("power loss at every place of two writers: old or one of the new ones, and what was acknowledged is not lost to the old", () =>
    expectSound({
      setup,
      programs: ["A", "BB"].map((text) => async ({ acknowledge }) => {
        await replace(text)();
        acknowledge(text);
      }),
      powerLoss: true,
      check({ disk, acknowledged }) {
        const found = disk.readText(PATH) ?? "";
        assert.ok(["A", "BB", OLD].includes(found), found);
        assert.ok(acknowledged.flat().length === 0 || found !== OLD, "acknowledged, but the old one is back");
      },
    }));

  it("renames of one process share directory syncs: what one is told does not depend on the other", () =>
    expectSound({
      setup(disk) {
        for (const name of ["a", "b", "c"]) disk.writeFile(`/app/stage-${name}`, "new");
      },
      programs: [
        ({ acknowledge }) =>
          Promise.all(
            ["a", "b", "c"].map(async (name) => {
              const { io } = currentMachine();
              await io.rename(`/app/stage-${name}`, `/app/${name}`);
              await io.syncDir("/app");
              acknowledge(name);
            }),
          ),
      ],
      powerLoss: true,
      check({ disk, acknowledged: [told] }) {
        for (const name of told ?? []) assert.equal(disk.readText(`/app/${name}`), "new", `${name} was acknowledged and is lost`);
      },
    }));

  it("a sweeper that trusts no lock would be seen", async () => {
    const { violations, text } = await interleave({
      setup,
      programs: [
        replace("A"),
        async () => {
          const { io } = currentMachine();
          for (const { name } of await io.search("/app", OURS)) await Promise.resolve(io.unlink(`/app/${name}`)).catch(() => {});
        },
      ],
      check: bothOrOne("A"),
    });
    assert.ok(violations > 0);
    assert.match(text, /program 2 +unlink/);
  });
});

describe("the public functions, in every order", () => {
  const known = (text: unknown): void => assert.ok([OLD, "A"].includes(String(text)), String(text));

  it("reader and writer: the reader gets one version", () =>
    expectSound({
      setup,
      programs: [() => writeFile(PATH, "A"), () => readFile(PATH, "utf8")],
      check(state) {
        expectNoFailure(state);
        const [, reader] = state.endings;
        known(reader?.status === "fulfilled" && reader.value);
        assert.equal(state.disk.readText(PATH), "A");
      },
    }));

  it("writer and writer in two processes", { timeout: 60_000, skip: needsWide }, async () => {
    const { violations, complete, text } = await interleave({
      setup,
      programs: [() => writeFile(PATH, "A"), () => writeFile(PATH, "BB")],
      statesMax: deep ? undefined : 2_000,
      check(state) {
        expectNoFailure(state);
        assert.ok(["A", "BB"].includes(state.disk.readText(PATH) ?? ""));
        assert.deepEqual(staged(state.disk), []);
      },
    });
    assert.equal(violations, 0, text);
    assert.equal(complete, deep, text);
  });

  it("two writes of one process to one file: the last call wins", () =>
    expectSound({
      setup,
      programs: [() => Promise.all([writeFile(PATH, "A"), writeFile(PATH, "BB")])],
      check(state) {
        expectNoFailure(state);
        assert.equal(state.disk.readText(PATH), "BB");
        assert.deepEqual(staged(state.disk), []);
      },
    }));
});
