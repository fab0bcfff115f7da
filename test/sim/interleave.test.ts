/** The interleaving sweep meets every order of requests, and what can go wrong only in one of them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { interleave, type SimDisk } from "holdfast/sim";
import { currentMachine } from "../../dist/io/current.js";
import { overwriteToy, readToy, replaceToy } from "./toy.ts";

const setup = (disk: SimDisk): void => disk.writeFile("/d/f", "0");

/** Reads a number and writes the next: loses an update if two do it at once. */
const increment = async (): Promise<void> => overwriteToy(String(Number(await readToy()) + 1));

/** As {@link increment}, under a lock that is tried until it is free. */
async function incrementLocked(): Promise<void> {
  const { io } = currentMachine();
  const lock = await io.open("/d/f", "read");
  while (!(await io.tryLock(lock, "exclusive"))) await io.sleep(1);
  await increment();
  await io.close(lock);
}

describe("an interleaving sweep", () => {
  it("visits every order", async () => {
    const orders = new Set<string>();
    const letters =
      (first: string): (() => Promise<void>) =>
      async () => {
        const { io } = currentMachine();
        for (const name of [`${first}1`, `${first}2`, `${first}3`]) await io.makeDir(`/d/${name}`);
      };
    const { complete, states } = await interleave({
      setup,
      programs: [letters("a"), letters("b")],
      check: ({ disk }) => void orders.add(Object.keys(disk.tree()).join()),
    });
    assert.ok(complete);
    assert.equal(states, 16, "4 x 4 places of progress, each met once");
    assert.equal(orders.size, 1);
  });

  it("finds the order in which an update is lost, and tells it", async () => {
    const { violations, text } = await interleave({
      setup,
      programs: [increment, increment],
      check: ({ disk }) => assert.equal(disk.readText("/d/f"), "2", "an update was lost"),
    });
    assert.ok(violations > 0);
    assert.match(text, /an update was lost/);
    assert.match(text, /program 1 .*\n.*program 2 /);
  });

  it("does not find it under a lock", async () => {
    const report = await interleave({
      setup,
      programs: [incrementLocked, incrementLocked],
      statesMax: 400, // whoever waits can wait for ever
      check: ({ disk }) => assert.equal(disk.readText("/d/f"), "2"),
    });
    assert.equal(report.violations, 0, report.text);
    assert.ok(report.ends > 0);
  });

  it("finds a read of half a write", async () => {
    const twoWrites = async (): Promise<void> => {
      await overwriteToy("1");
      await overwriteToy("12");
    };
    const { violations } = await interleave({
      setup,
      programs: [twoWrites, readToy],
      check: ({ endings: [, reader] }) => assert.notEqual(reader?.status === "fulfilled" && reader.value, "1"),
    });
    assert.ok(violations > 0);
  });

  it("holds requests that one program makes at once apart", async () => {
    const seen = new Set<unknown>();
    const both = async (): Promise<unknown> => {
      const { io } = currentMachine();
      const [, stat] = await Promise.all([io.makeDir("/d/x"), io.lstat("/d/x")]);
      return stat?.kind;
    };
    await interleave({
      setup,
      programs: [both],
      check: ({ endings: [end] }) => void seen.add(end?.status === "fulfilled" ? end.value : end),
    });
    assert.deepEqual([...seen].sort(), ["directory", undefined]);
  });

  it("kills one program at every place", async () => {
    const seen = new Set<string>();
    const report = await interleave({
      setup,
      programs: [() => replaceToy("1"), readToy],
      kills: true,
      check: ({ disk, endings }) => void seen.add(`${endings[0]?.status} ${"/d/stage" in disk.tree()} ${disk.readText("/d/f")}`),
    });
    assert.ok(report.complete);
    assert.deepEqual([...seen].sort(), ["fulfilled false 1", "killed false 0", "killed false 1", "killed true 0"]);
  });

  it("loses power at every place", async () => {
    const run = (barriers: { directory: boolean }) =>
      interleave({
        setup,
        programs: [
          async ({ acknowledge }) => {
            await replaceToy("1", barriers);
            acknowledge("1");
          },
        ],
        powerLoss: true,
        check: ({ disk, acknowledged: [told] }) =>
          assert.ok(told?.length === 0 || disk.readText("/d/f") === "1", "acknowledged, but lost"),
      });
    assert.equal((await run({ directory: true })).violations, 0);
    assert.match((await run({ directory: false })).text, /acknowledged, but lost[\s\S]*------ power loss/);
  });

  it("notices when nothing more happens, and when it gives up", async () => {
    const stuck = await interleave({ setup, programs: [() => new Promise(() => {})], check: () => {} });
    assert.match(stuck.text, /nothing more happens/);
    const short = await interleave({ setup, programs: [increment, increment], check: () => {}, statesMax: 3 });
    assert.equal(short.complete, false);
    assert.match(short.text, /NOT COMPLETE/);
  });
});
