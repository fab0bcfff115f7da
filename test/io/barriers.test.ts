/** Shared syncs of a directory: fewer than writers, yet each covers every rename that it is taken for. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimDisk } from "holdfast/sim";
import { sharingBarriers } from "../../dist/io/barriers.js";
import type { File, Io } from "../../dist/io/io.js";
import { wrapIo } from "../support/machines.ts";
import { seeded } from "../support/seeded.ts";

interface Barrier {
  readonly begunAfter: ReadonlySet<string>;
  readonly end: (error?: Error) => void;
}

/** A machine of which each sync of a directory ends when the test says so, and that knows which renames it covers. */
function machine(): { io: Io; barriers: Barrier[]; renamed: Set<string>; sleeps: (() => void)[] } {
  const barriers: Barrier[] = [];
  const sleeps: (() => void)[] = [];
  const renamed = new Set<string>();
  const disk = new SimDisk();
  disk.makeDir("/d");
  disk.makeDir("/e");
  const io = wrapIo(disk.process().io, async (call, proceed) => {
    if (call.op === "rename") {
      await proceed();
      renamed.add(call.args[1]);
      return undefined;
    }
    if (call.op === "sleep") return await new Promise<void>((resolve) => sleeps.push(resolve));
    if (call.op !== "syncDir") return await proceed();
    return await new Promise<boolean>((resolve, reject) => {
      barriers.push({ begunAfter: new Set(renamed), end: (error) => (error ? reject(error) : resolve(true)) });
    });
  });
  return { io: sharingBarriers(io), barriers, renamed, sleeps };
}

/** One writer up to its barrier: made, synced, renamed. */
async function upToBarrier(io: Io, name: string): Promise<File> {
  const file = await io.open(`${name}.staged`, "create");
  await io.syncFile(file);
  await io.rename(`${name}.staged`, name);
  return file;
}

/** Lets all that can go on go on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("shared barriers", () => {
  test("a single writer waits for nobody: its barrier begins at once", async () => {
    const { io, barriers } = machine();
    const file = await upToBarrier(io, "/d/a");
    const synced = io.syncDir("/d");
    await settled();
    assert.equal(barriers.length, 1);
    barriers[0]?.end();
    assert.equal(await synced, true);
    await io.close(file);
  });

  test("a barrier that began before a rename is not used for it", async () => {
    const { io, barriers } = machine();
    const files = [await upToBarrier(io, "/d/a")];
    const first = io.syncDir("/d");
    await settled();
    files.push(await upToBarrier(io, "/d/b"));
    let done = false;
    const second = Promise.resolve(io.syncDir("/d")).then(() => (done = true));
    barriers[0]?.end();
    await first;
    for (const file of files.slice(0, 1)) await io.close(file);
    await settled();
    assert.equal(done, false, "the first barrier does not cover the second rename");
    assert.equal(barriers.length, 2);
    assert.ok(!barriers[0]?.begunAfter.has("/d/b") && barriers[1]?.begunAfter.has("/d/b"));
    barriers[1]?.end();
    await second;
  });

  test("64 writers at once need a handful", async () => {
    const { io, barriers } = machine();
    const writers = Array.from({ length: 64 }, async (_, index) => {
      const file = await upToBarrier(io, `/d/file-${index}`);
      await io.syncDir("/d");
      await io.close(file);
    });
    let over = false;
    const all = Promise.all(writers).then(() => (over = true));
    let ended = 0;
    while (!over) {
      await settled();
      for (; ended < barriers.length; ended++) barriers[ended]?.end();
    }
    await all;
    assert.ok(barriers.length <= 6, `${barriers.length} barriers`);
  });

  test("a failure reaches every waiter, and the next barrier is a new one", async () => {
    const { io, barriers } = machine();
    const files = await Promise.all(["/d/a", "/d/b", "/d/c"].map((name) => upToBarrier(io, name)));
    const waits = files.map(() => io.syncDir("/d"));
    await settled();
    assert.equal(barriers.length, 1);
    barriers[0]?.end(new Error("the disk is gone"));
    for (const wait of await Promise.allSettled(waits))
      assert.equal(wait.status === "rejected" && wait.reason.message, "the disk is gone");
    for (const file of files) await io.close(file);
    const last = await upToBarrier(io, "/d/d");
    const again = io.syncDir("/d");
    await settled();
    barriers[1]?.end();
    assert.equal(await again, true);
    await io.close(last);
  });

  test("waits for writers between their sync and their rename, not for those before, and for no one who gave up", async () => {
    const { io, barriers } = machine();
    const before = await io.open("/d/before", "create"); // it has not synced yet: nobody waits for it
    const coming = await io.open("/d/coming", "create");
    const gone = await io.open("/d/gone", "create");
    await io.syncFile(coming);
    await io.syncFile(gone);
    const ready = await upToBarrier(io, "/d/a");
    const wait = io.syncDir("/d");
    await settled();
    assert.equal(barriers.length, 0, "two more are about to come");
    await io.close(gone); // its rename failed, say
    await settled();
    assert.equal(barriers.length, 0);
    await io.rename("/d/coming", "/d/came");
    const other = io.syncDir("/d");
    await settled();
    assert.equal(barriers.length, 1, "one for both");
    barriers[0]?.end();
    assert.deepEqual(await Promise.all([wait, other]), [true, true]);
    for (const file of [ready, coming, before]) await io.close(file);
  });

  test("one that has finished waits for a bounded time only for others whose files take long to sync", async () => {
    const { io, barriers, sleeps } = machine();
    const slow = [await upToBarrier(io, "/d/slow-1"), await upToBarrier(io, "/d/slow-2")];
    const quick = await upToBarrier(io, "/d/quick");
    const synced = io.syncDir("/d");
    await io.close(quick);
    await settled();
    assert.equal(barriers.length, 0, "it waits for the other two");
    assert.equal(sleeps.length, 1);
    sleeps[0]?.();
    await settled();
    assert.equal(barriers.length, 1);
    const second = io.syncDir("/d");
    await settled();
    sleeps[1]?.();
    await settled();
    assert.equal(barriers.length, 1, "one at a time");
    barriers[0]?.end();
    assert.equal(await synced, true);
    await settled();
    assert.equal(barriers.length, 2, "its time was up while the other ran");
    barriers[1]?.end();
    assert.equal(await second, true);
    for (const file of slow) await io.close(file);
  });

  test("a writer that syncs its file and is abandoned without a barrier blocks nobody once it is closed", async () => {
    const { io, barriers } = machine();
    const abandoned = await io.open("/d/abandoned", "create");
    await io.syncFile(abandoned);
    await io.close(abandoned);
    const file = await upToBarrier(io, "/d/a");
    const wait = io.syncDir("/d");
    await settled();
    barriers[0]?.end();
    assert.equal(await wait, true);
    await io.close(file);
  });

  test("directories have barriers of their own", async () => {
    const { io, barriers } = machine();
    const files = [await upToBarrier(io, "/d/a"), await upToBarrier(io, "/e/a")];
    const waits = [io.syncDir("/d"), io.syncDir("/e")];
    await settled();
    assert.equal(barriers.length, 2);
    barriers[1]?.end();
    assert.equal(await waits[1], true, "the other directory's does not hold it up");
    barriers[0]?.end();
    assert.equal(await waits[0], true);
    for (const file of files) await io.close(file);
  });

  test("nobody starves: with writers coming all the time each is served by the second barrier after its rename", async (t) => {
    const { io, barriers } = machine();
    const random = seeded(t);
    const served: number[] = [];
    const writer = async (index: number): Promise<void> => {
      for (let turns = random.int(20); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      const file = await upToBarrier(io, `/d/${index}`);
      const at = barriers.length;
      await io.syncDir("/d");
      served.push(ended - at);
      await io.close(file);
    };
    let ended = 0;
    let over = false;
    const all = Promise.all(Array.from({ length: 300 }, (_, index) => writer(index))).then(() => (over = true));
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      if (random.int(3) > 0) continue;
      for (; ended < barriers.length; ended++) barriers[ended]?.end();
    }
    await all;
    assert.ok(Math.max(...served) <= 2, `one was served by the ${Math.max(...served)}th barrier`);
  });

  test("every answer of true covers the rename it was asked for, in 300 random schedules", async (t) => {
    const random = seeded(t);
    for (let round = 0; round < 300; round++) {
      const { io, barriers } = machine();
      let ended = 0;
      const writer = async (name: string): Promise<void> => {
        for (let turns = random.int(6); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
        const file = await upToBarrier(io, name);
        await io.syncDir("/d");
        assert.ok(
          barriers.slice(0, ended).some(({ begunAfter }) => begunAfter.has(name)),
          `round ${round}: ${name} was not covered`,
        );
        await io.close(file);
      };
      let over = false;
      const all = Promise.all(["/d/a", "/d/b", "/d/c", "/d/e"].map(writer)).finally(() => (over = true));
      while (!over) {
        await new Promise((resolve) => setImmediate(resolve));
        while (ended < barriers.length && random.int(2) === 0) barriers[ended++]?.end();
      }
      await all;
    }
  });
});
