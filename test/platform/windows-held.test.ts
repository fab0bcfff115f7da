/**
 * Files that other processes hold open, on Windows: a write waits for a bounded time, and then has happened or has changed
 * nothing; a read never takes a held file for an absent one. With real processes and real share modes; the same in virtual
 * time and in every order is in crash/windows.test.ts.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { isHoldfastError, readFile, readFileSync, writeFile, writeFileSync } from "holdfast";
import { type Hold, type Holder, hold } from "../support/holder.ts";
import { withMachine, wrapped } from "../support/machines.ts";
import { needsWindows } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const HELD_MS = 300;
const LONG_MS = 60_000;
const IMPATIENT = { busyTimeoutMs: 100 } as const;

const WRITES: Readonly<Record<string, (file: string, options?: { busyTimeoutMs: number }) => Promise<unknown>>> = {
  writeFile: (file, options) => writeFile(file, "new", options),
  writeFileSync: async (file, options) => writeFileSync(file, "new", options),
};

function withOldFile(t: TestContext): { dir: string; file: string } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, "old");
  return { dir, file };
}

describe("a target that is held", { skip: needsWindows }, () => {
  for (const how of ["deleting", "exclusive", "reading", "shared"] as const) {
    test(`${how}: negative control: a plain rename over it fails`, async (t) => {
      const { dir, file } = withOldFile(t);
      fs.writeFileSync(path.join(dir, "other"), "new");
      const holder = await hold(t, file, how, LONG_MS);
      assert.throws(() => fs.renameSync(path.join(dir, "other"), file), { code: "EPERM" });
      await holder.kill();
    });

    for (const [name, write] of Object.entries(WRITES)) {
      test(`${how}, for a while: ${name} waits and replaces it`, async (t) => {
        const { dir, file } = withOldFile(t);
        const holder = await hold(t, file, how, HELD_MS);
        await write(file, { busyTimeoutMs: 20_000 });
        await holder.released;
        assert.equal(fs.readFileSync(file, "utf8"), "new");
        assert.deepEqual(leftovers(dir), []);
      });

      test(`${how}, for longer than it may take: ${name} says BUSY and has changed nothing`, async (t) => {
        const { dir, file } = withOldFile(t);
        const holder = await hold(t, file, how, LONG_MS);
        const busy = (error: unknown): boolean => isHoldfastError(error, "BUSY") && error.outcome === "unchanged";
        await assert.rejects(write(file, IMPATIENT), busy);
        assert.deepEqual(leftovers(dir), []);
        await holder.kill();
        if (how === "deleting") assert.equal(fs.existsSync(file), false);
        else assert.equal(fs.readFileSync(file, "utf8"), "old");
      });
    }
  }

  test("by a process that is killed is free at once", async (t) => {
    const { file } = withOldFile(t);
    const holder = await hold(t, file, "exclusive", LONG_MS);
    const writing = writeFile(file, "new", { busyTimeoutMs: 20_000 });
    await holder.kill();
    await writing;
    assert.equal(fs.readFileSync(file, "utf8"), "new");
  });

  test("and removed by a third process: the write is there in the end", async (t) => {
    const { file } = withOldFile(t);
    const holder = await hold(t, file, "shared", HELD_MS);
    fs.unlinkSync(file); // before Node 22.12 the name goes with the last close; until then it can't be had
    await writeFile(file, "new", { busyTimeoutMs: 20_000 });
    await holder.released;
    assert.equal(fs.readFileSync(file, "utf8"), "new");
  });
});

describe("a staged file that is opened by somebody just before its rename", { skip: needsWindows }, () => {
  for (const how of ["exclusive", "reading", "shared"] as const satisfies readonly Hold[]) {
    test(`${how}: the write waits`, async (t) => {
      const { dir, file } = withOldFile(t);
      let renames = 0;
      let holder: Holder | undefined;
      const machine = wrapped((call, proceed) => {
        if (call.op !== "rename") return proceed();
        if (++renames > 1) return holder?.kill().then(proceed);
        return hold(t, call.args[0], how, LONG_MS).then((held) => {
          holder = held;
          return proceed();
        });
      });
      await withMachine(machine, () => writeFile(file, "new", { busyTimeoutMs: 20_000 }));
      await holder?.kill();
      assert.equal(fs.readFileSync(file, "utf8"), "new");
      assert.deepEqual(leftovers(dir), []);
      assert.equal(renames > 1, how !== "shared", `${renames} renames`);
    });
  }
});

describe("a file that is held exclusively", { skip: needsWindows }, () => {
  test("is read once it is free", async (t) => {
    for (const read of [readFile, readFileSync]) {
      const { file } = withOldFile(t);
      await hold(t, file, "exclusive", HELD_MS);
      assert.equal(await read(file, { encoding: "utf8", busyTimeoutMs: 20_000 }), "old");
    }
  });

  test("is BUSY after the time that was given, and not absent", async (t) => {
    const { file } = withOldFile(t);
    const holder = await hold(t, file, "exclusive", LONG_MS);
    await assert.rejects(readFile(file, IMPATIENT), { code: "BUSY", outcome: "unchanged" });
    assert.throws(() => readFileSync(file, IMPATIENT), { code: "BUSY", outcome: "unchanged" });
    await holder.kill();
  });
});
