/** The fault sweep finds errors that say something else than the disk. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FaultSweepOptions, faultSweep, type SimDisk } from "holdfast/sim";
import { HoldfastError, toHoldfastError } from "../../dist/errors.js";
import { newId, ourName } from "../../dist/format/names.js";
import { currentMachine } from "../../dist/io/current.js";
import { overwriteToy, replaceToy } from "./toy.ts";

const options = (run: () => unknown): FaultSweepOptions => ({
  setup: (disk: SimDisk) => disk.writeFile("/d/f", "old"),
  run,
  observe: (disk) => disk.readText("/d/f"),
});

/** What a careless library does: each error becomes one with this outcome. */
const saying = (outcome: "committed" | "unchanged" | "unknown", work: () => Promise<unknown>) => async (): Promise<void> => {
  try {
    await work();
  } catch (error) {
    throw toHoldfastError(error, outcome);
  }
};

describe("a fault sweep", () => {
  it("needs a known outcome", async () => {
    const { violations, text } = await faultSweep(options(() => replaceToy("new")));
    assert.ok(violations > 0);
    assert.match(text, /something else than a HoldfastError/);
  });

  it("finds an outcome that is not true", async () => {
    const { text } = await faultSweep(options(saying("unchanged", () => replaceToy("new"))));
    assert.match(text, /the error says "unchanged", but/);
    assert.match(
      (await faultSweep(options(saying("committed", () => replaceToy("new"))))).text,
      /the error says "committed", but a reader sees the old state/,
    );
  });

  it("finds a failure that is taken for a success", async () => {
    const deaf = async (): Promise<void> => {
      const { io } = currentMachine();
      await replaceToy("new", { directory: false });
      await Promise.resolve(io.syncDir("/d")).catch(() => {});
    };
    assert.match(
      (await faultSweep(options(saying("unknown", deaf)))).text,
      /it succeeds, but after power loss a reader can see the old state/,
    );
  });

  it("finds a short write that nobody looks at", async () => {
    assert.match((await faultSweep(options(saying("unknown", () => overwriteToy("new"))))).text, /the wrong state|writes half/);
  });

  it("finds descriptors and staged files that are left", async () => {
    const stage = `/d/${ourName("stage", newId(new Uint8Array(16)))}`;
    const leaky = saying("unknown", () => replaceToy("new", {}, stage));
    const { text } = await faultSweep(options(leaky));
    assert.match(text, /files stay open|a staged file is left/);
  });

  it("is content with what is done properly, and counts", async () => {
    const proper = async (): Promise<void> => {
      const { io } = currentMachine();
      try {
        await io.link("/d/f", "/d/g");
      } catch (error) {
        throw new HoldfastError("IO", { cause: error, outcome: "unknown" });
      }
    };
    const report = await faultSweep({ ...options(proper), observe: (disk) => disk.readText("/d/g"), durability: "atomic" });
    assert.equal(report.violations, 0, report.text);
    assert.equal(report.requests, 1);
    assert.equal(report.cases, 7);
  });
});
