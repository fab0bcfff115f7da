/** One run at a time, and what it keeps on the disk. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { isHoldfastError } from "holdfast";
import { Checkpoint, type Codec } from "holdfast/checkpoint";
import { interleave, onDisk } from "holdfast/sim";
import { DIR, generationPath, inRun, loaded, type State, savedUpTo } from "../support/checkpoints.ts";
import { startChild } from "../support/child.ts";
import { deep } from "../support/deep.ts";
import { failing, freshMachine, withMachine } from "../support/machines.ts";
import { needsPosix } from "../support/needs.ts";
import { names, tempDir } from "../support/temp-dir.ts";

const generations = (dir: string): string[] => names(dir).filter((name) => name.startsWith("generation"));

describe("CKP-15 two runs", () => {
  it("the second is refused, and told whose it is; once the first is killed it takes over at once, and goes on", async (t) => {
    const dir = tempDir(t);
    const first = startChild(async ({ checkpoints, say }, dir: string) => {
      const checkpoint = await checkpoints.Checkpoint.open(dir);
      for (let count = 1; ; count++) {
        await checkpoint.save({ count });
        say(count);
      }
    }, dir);
    t.after(() => first.kill());
    let told = Number(await first.next());
    await assert.rejects(Checkpoint.open(dir), (error) => {
      assert.ok(isHoldfastError(error, "LOCKED"));
      assert.equal(error.details["pid"], first.process.pid);
      return typeof error.details["host"] === "string" && typeof error.details["since"] === "string";
    });
    assert.equal((await (await Checkpoint.open(dir, { readOnly: true })).owner())?.pid, first.process.pid);
    await first.kill();
    for (let said = await first.next(); said !== undefined; said = await first.next()) told = Number(said);
    const checkpoint = await Checkpoint.open<State>(dir);
    const found = await checkpoint.load();
    assert.ok(found.status === "ok" && found.state.count >= told, "progress does not move back");
    assert.equal((await checkpoint.save({ count: found.state.count + 1 })).generation, found.generation + 1);
    await checkpoint.close();
    assert.equal(await (await Checkpoint.open(dir, { readOnly: true })).owner(), undefined);
  });

  for (const kills of [false, true]) {
    it(`${kills ? "with kills: " : ""}in every order of their requests, what is acknowledged is never behind`, async (t) => {
      const saves = async ({ acknowledge }: { acknowledge: (value: unknown) => void }): Promise<void> => {
        const checkpoint = await Checkpoint.open<State>(DIR, { keep: 1, lockTimeoutMs: 0 });
        const found = await checkpoint.load();
        const count = (found.status === "absent" ? 0 : found.state.count) + 1;
        await checkpoint.save({ count });
        acknowledge(count);
        await checkpoint.close();
      };
      const { violations, text } = await interleave({
        setup: (disk) => onDisk(disk, () => savedUpTo(DIR, 1)),
        programs: [saves, saves],
        kills,
        statesMax: deep ? 20_000 : 100,
        async check({ endings, acknowledged }) {
          const told = acknowledged.flat() as number[];
          assert.equal(new Set(told).size, told.length, "two runs have saved the same");
          for (const ending of endings)
            if (ending.status === "rejected") assert.ok(isHoldfastError(ending.reason, "LOCKED"), String(ending.reason));
          const found = await loaded(DIR);
          assert.ok(found.status === "ok" && found.state.count >= Math.max(1, ...told));
        },
      });
      assert.equal(violations, 0, text);
      t.diagnostic(text);
    });
  }
});

describe("CKP-16 a status page", () => {
  it("that looks all the time never sees anything invalid or older, and no save fails", async (t) => {
    const dir = tempDir(t);
    const reader = await Checkpoint.open<State>(dir, { readOnly: true });
    let [newest, looks, saving] = [0, 0, true];
    const looking = (async () => {
      while (saving) {
        const found = await reader.load();
        assert.ok(found.status === "ok" || (found.status === "absent" && newest === 0), found.status);
        const count = found.status === "ok" ? found.state.count : 0;
        assert.ok(count >= newest, `${count} after ${newest}`);
        [newest, looks] = [count, looks + 1];
        await reader.owner();
      }
    })();
    await inRun(
      dir,
      async (checkpoint) => {
        for (let count = 1; count <= 60; count++) await checkpoint.save({ count }, { progress: { done: count } });
      },
      { keep: 1 },
    ).finally(() => {
      saving = false;
    });
    await looking;
    assert.ok(looks > 20, `${looks}`);
    t.diagnostic(`${looks} looks at 60 saves`);
  });

  for (const platform of ["posix", "windows"] as const) {
    it(`in every order of its requests and those of a save (${platform})`, async (t) => {
      const { violations, text } = await interleave({
        setup: (disk) => onDisk(disk, () => savedUpTo(DIR, 2, { keep: 1 })),
        programs: [() => inRun(DIR, (checkpoint) => checkpoint.save({ count: 3 }), { keep: 1 }), async () => loaded(DIR)],
        disk: { platform },
        statesMax: deep ? 20_000 : 100,
        check({ endings: [saved, seen] }) {
          if (saved?.status === "rejected") throw saved.reason;
          if (seen?.status === "rejected") throw seen.reason;
          const found = (seen as { value: Awaited<ReturnType<typeof loaded>> }).value;
          assert.ok(found.status === "ok" && [2, 3].includes((found.state as State).count), JSON.stringify(found));
        },
      });
      assert.equal(violations, 0, text);
      t.diagnostic(text);
    });
  }
});

describe("CKP-14 a disk on which nothing goes any more", () => {
  for (const [op, errno] of [
    ["write", "ENOSPC"],
    ["link", "EACCES"],
  ] as const) {
    it(`${op} fails with ${errno} for ever: the old state is intact, nothing is left over, later saves go on`, async (t) => {
      const dir = tempDir(t);
      await savedUpTo(dir, 2);
      const before = names(dir);
      await withMachine(freshMachine(failing(op, errno)), () =>
        inRun(dir, async (checkpoint) => {
          for (let tries = 0; tries < 3; tries++)
            await assert.rejects(
              checkpoint.save({ count: 3 }),
              (error) => isHoldfastError(error) && error.outcome === "unchanged",
            );
        }),
      );
      assert.deepEqual(names(dir), before);
      const found = await loaded(dir);
      assert.ok(found.status === "ok" && found.state.count === 2);
      await inRun(dir, (checkpoint) => checkpoint.save({ count: 3 }));
      assert.equal((await loaded(dir)).status, "ok");
    });
  }

  it("a file system without hard links publishes by rename, under the lock", { skip: needsPosix }, async (t) => {
    const dir = tempDir(t);
    await withMachine(freshMachine(failing("link", "EOPNOTSUPP")), () => savedUpTo(dir, 4));
    const inPieces: Codec<State> = {
      name: "json",
      *encode(state) {
        yield JSON.stringify(state);
      },
      decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as State,
    };
    await withMachine(freshMachine(failing("link", "EOPNOTSUPP")), () =>
      inRun(dir, (checkpoint) => checkpoint.save({ count: 5 }), { codec: inPieces }),
    );
    assert.deepEqual(generations(dir).length, 3);
    const found = await loaded(dir);
    assert.ok(found.status === "ok" && found.state.count === 5);
  });
});

describe("CKP-17 what stays on the disk", () => {
  it("after many saves: as many generations as are to be kept, and nothing else", async (t) => {
    const dir = tempDir(t);
    const times: number[] = [];
    await inRun(dir, async (checkpoint) => {
      for (let count = 0; count < (deep ? 10_000 : 100); count++) {
        const startMs = performance.now();
        await checkpoint.save({ count });
        times.push(performance.now() - startMs);
        if (count % 50 === 0) assert.ok(generations(dir).length <= 4, `${generations(dir)}`);
      }
    });
    assert.deepEqual(generations(dir).length, 3);
    assert.equal(names(dir).length, 4);
    times.sort((a, b) => a - b);
    const at = (share: number): string => `${times[Math.floor(times.length * share)]?.toFixed(2)} ms`;
    t.diagnostic(`${times.length} saves: median ${at(0.5)}, p99 ${at(0.99)}`);
  });

  it("runs that save once each do not pile up generations either", async (t) => {
    const dir = tempDir(t);
    for (let run = 0; run < 8; run++)
      await inRun(dir, async (checkpoint) => {
        await checkpoint.load();
        await checkpoint.save({ count: run });
      });
    assert.equal(generations(dir).length, 3);
  });

  it("the good ones are kept, not the newest ones: what is damaged does not count", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 4, { keep: 4 });
    for (const generation of [2, 4]) fs.writeFileSync(generationPath(dir, generation), "damage");
    await inRun(dir, (checkpoint) => checkpoint.save({ count: 5 }), { keep: 3 });
    assert.deepEqual(names(dir), [
      "checkpoint.lock",
      "damaged-000000000002",
      "damaged-000000000004",
      ...[1, 3, 5].map((generation) => path.basename(generationPath(dir, generation))),
    ]);
  });
});

describe("going back", () => {
  it("rollback makes a copy of an older state the newest, and takes away what was in between", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 4, { keep: 4 });
    const rolled = await inRun(dir, (checkpoint) => checkpoint.rollback(2), { keep: 4 });
    assert.equal(rolled.generation, 5);
    const found = await loaded(dir);
    assert.ok(found.status === "ok" && found.state.count === 2 && found.progress?.done === 2);
    assert.deepEqual(
      generations(dir),
      [1, 2, 5].map((generation) => path.basename(generationPath(dir, generation))),
    );
    await inRun(dir, async (checkpoint) => {
      await assert.rejects(checkpoint.rollback(3), (error) => isHoldfastError(error, "NOT_FOUND"));
      await checkpoint.rollback();
    });
    const [newest] = await (await Checkpoint.open(dir, { readOnly: true })).history({ verify: true });
    assert.deepEqual([newest?.generation, newest?.copyOf, newest?.state], [6, 2, "good"]);
  });

  it("the time at which a job began is carried on, until it is cleared", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 1);
    const first = await loaded(dir);
    assert.ok(first.status === "ok" && first.startedAt === first.savedAt);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await inRun(dir, async (checkpoint) => {
      await checkpoint.load();
      await checkpoint.save({ count: 2 });
    });
    const second = await loaded(dir);
    assert.ok(second.status === "ok" && second.startedAt === first.startedAt && second.savedAt !== first.savedAt);
    await inRun(dir, async (checkpoint) => {
      await checkpoint.clear();
      await checkpoint.save({ count: 1 });
    });
    const anew = await loaded(dir);
    assert.ok(anew.status === "ok" && anew.startedAt === anew.savedAt);
  });
});
