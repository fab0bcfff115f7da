/** Snapshots, levels, the synchronous twin, and what a log tells of itself. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { type HoldfastError, isHoldfastError } from "holdfast";
import { type Log, openLog } from "holdfast/log";
import { onDisk, SimDisk } from "holdfast/sim";
import { withMachine } from "../../dist/io/current.js";
import { appendAll, bytesOf, contentAfterOpening, contentOf, DIR, overwrite, snapshotOf } from "../support/logs.ts";
import { tempDir } from "../support/temp-dir.ts";

const texts = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `record ${from + index}`);

async function onSim(use: (log: Log, disk: SimDisk) => Promise<void>, options?: Parameters<typeof openLog>[1]): Promise<SimDisk> {
  const disk = new SimDisk();
  disk.makeDir("/app");
  await onDisk(disk, async () => {
    const log = await openLog(DIR, options);
    await use(log, disk);
    await log.close();
  });
  return disk;
}

describe("a snapshot", () => {
  it("comes back as it was given, from chunks too; the newest is the one that there is", async (t) => {
    const dir = tempDir(t);
    await using log = await openLog(dir, { segmentBytes: 200 });
    assert.equal(await log.latestSnapshot(), undefined);
    await appendAll(log, texts(9));
    assert.deepEqual(await log.snapshot(4, "four"), { position: 4, sizeBytes: 4, durability: await levelOf(log) });
    async function* chunks() {
      for (let count = 0; count < 300; count++) yield new Uint8Array(10_000).fill(count);
    }
    const { sizeBytes } = await log.snapshot(9, chunks());
    assert.equal(sizeBytes, 3_000_000);
    await log.truncateBefore(9);
    const reader = await openLog(dir, { readOnly: true });
    const found = await reader.latestSnapshot();
    assert.deepEqual([found?.position, found?.sizeBytes], [9, 3_000_000]);
    let length = 0;
    for await (const piece of found?.read() ?? [])
      for (const byte of piece) assert.equal(byte, Math.floor(length++ / 10_000) % 256);
    assert.equal(length, 3_000_000);
    assert.equal(fs.readdirSync(dir).filter((name) => name.startsWith("snapshot-")).length, 1);
    await log.snapshot(9, "again");
    assert.equal(await snapshotOf(reader), "9 again");
  });

  it("is refused beyond the end, before an older one, and by a reader; a source that fails changes nothing", async () => {
    await onSim(async (log) => {
      await appendAll(log, texts(3));
      await log.snapshot(2, "two");
      await assert.rejects(log.snapshot(4, "x"), RangeError);
      await assert.rejects(log.snapshot(1, "x"), RangeError);
      await assert.rejects(log.snapshot(-1, "x"), RangeError);
      await assert.rejects(log.snapshot(3, 7 as unknown as string), TypeError);
      async function* failing() {
        yield "half";
        throw new RangeError("no more");
      }
      await assert.rejects(log.snapshot(3, failing()), { code: "SOURCE_FAILED", outcome: "unchanged" });
      assert.equal(await snapshotOf(log), "2 two");
      const reader = await openLog(DIR, { readOnly: true });
      await assert.rejects(reader.snapshot(3, "x"), { code: "READ_ONLY" });
    });
  });

  it("that is damaged is said to be", async () => {
    const disk = await onSim(async (log) => {
      await appendAll(log, texts(3));
      await log.snapshot(2, "some state");
    });
    const file = `${DIR}/snapshot-0000000000000002`;
    const whole = disk.readFile(file) ?? new Uint8Array();
    for (const at of [0, 9, 20, 40, -1]) {
      const harmed = at < 0 ? whole.subarray(1) : whole.map((byte, index) => (index === at ? byte ^ 1 : byte));
      overwrite(disk, file, harmed);
      const found = onDisk(disk, async () => (await openLog(DIR, { readOnly: true })).latestSnapshot());
      await assert.rejects(found, (error) => isDamageOf(error, file), `byte ${at}`);
    }
  });
});

/** By the name: a simulated path gets a drive letter on Windows. */
const isDamageOf = (error: unknown, file: string): error is HoldfastError =>
  isHoldfastError(error, "CORRUPT_LOG") && path.basename(error.path ?? "") === path.posix.basename(file);

const levelOf = async (log: Log): Promise<string> => (await log.append(bytesOf("?"))).durability;

describe("the level", () => {
  it("is told, and atomic syncs no batch", async () => {
    for (const durability of ["durable", "atomic", "volatile"] as const) {
      await onSim(
        async (log, disk) => {
          const before = disk.kernel.log.steps.length;
          for (const text of texts(3)) assert.equal((await log.append(bytesOf(text))).durability, durability);
          const syncs = disk.kernel.log.steps.slice(before).filter(({ op }) => op.startsWith("sync")).length;
          assert.equal(syncs, durability === "durable" ? 3 : 0);
        },
        { durability },
      );
    }
    await assert.rejects(openLog(DIR, { durability: "some" as "durable" }), RangeError);
  });

  it("is less where nothing lasts", async () => {
    const disk = new SimDisk({ persistent: false });
    await onDisk(disk, async () => {
      const log = await openLog(DIR);
      assert.equal(await levelOf(log), "volatile");
    });
  });
});

describe("appendSync", () => {
  it("appends, takes along all that wait, and keeps the order of the calls", async (t) => {
    const dir = tempDir(t);
    await using log = await openLog(dir, { segmentBytes: 100 });
    const before = Array.from({ length: 3 }, (_, index) => log.append(bytesOf(`record ${index}`)));
    assert.equal(log.appendSync(bytesOf("record 3")).position, 3);
    assert.equal(log.appendSync(bytesOf("record 4")).position, 4);
    assert.deepEqual(await Promise.all(before.map(async (one) => (await one).position)), [0, 1, 2]);
    assert.deepEqual(await contentOf(log, 0), texts(5));
  });

  it("is refused while a batch of this process is under way, and by what is closed or only reads", async (t) => {
    const dir = tempDir(t);
    const log = await openLog(dir);
    const underWay = log.append(new Uint8Array(1_000_000));
    await undefined;
    await undefined; // the batch has begun, and its write is in another thread
    assert.throws(() => log.appendSync(bytesOf("x")), { code: "LOCKED", outcome: "unchanged" });
    assert.equal((await underWay).position, 0);
    assert.equal(log.appendSync(bytesOf("x")).position, 1);
    await log.close();
    assert.throws(() => log.appendSync(bytesOf("x")), { code: "CLOSED" });
    const reader = await openLog(dir, { readOnly: true });
    assert.throws(() => reader.appendSync(bytesOf("x")), { code: "READ_ONLY" });
  });
});

describe("stat and verify", () => {
  it("tell what there is, and read all of it", async (t) => {
    const dir = tempDir(t);
    await using log = await openLog(dir, { segmentBytes: 200 });
    await appendAll(log, texts(12));
    await log.snapshot(5, "state");
    await log.truncateBefore(5);
    const stat = await log.stat();
    assert.deepEqual([stat.first, stat.next, stat.snapshot], [5, 12, { position: 5, sizeBytes: 5 }]);
    assert.deepEqual(
      stat.segments.map(({ first }) => first),
      [stat.segments[0]?.first, ...stat.segments.slice(0, -1).map(({ next }) => next)],
    );
    for (const { name, sizeBytes, countedBytes } of stat.segments) {
      assert.equal(fs.statSync(path.join(dir, name)).size, sizeBytes);
      assert.ok(countedBytes <= sizeBytes);
    }
    const seen: number[] = [];
    const { recordCount, readBytes } = await log.verify({ onProgress: (bytes) => seen.push(bytes) });
    assert.equal(recordCount, 7);
    assert.equal(seen.at(-1), readBytes);
    assert.equal(readBytes, stat.countedBytes - 80 * stat.segments.length); // the headers
  });

  it("verify fails at the first damage, with its place", async () => {
    const disk = await onSim((log) => appendAll(log, texts(12)), { segmentBytes: 200 });
    const file = `${DIR}/segment-000000000002`;
    const harmed = (disk.readFile(file) ?? new Uint8Array()).map((byte, index) => (index === 130 ? byte ^ 1 : byte));
    overwrite(disk, file, harmed);
    const verified = onDisk(disk, async () => (await openLog(DIR, { readOnly: true })).verify());
    await assert.rejects(verified, (error) => {
      assert.ok(isDamageOf(error, file));
      assert.deepEqual([error.details["offset"], Number(error.details["position"]) > 0], [120, true]);
      return true;
    });
  });
});

describe("a reader after a power loss, before anybody has opened the log to append", () => {
  it("sees all that was acknowledged, whatever hint is left", async () => {
    for (const segmentBytes of [150, 10_000]) {
      const disk = new SimDisk();
      disk.makeDir("/app");
      const told: string[] = [];
      let states = 0;
      let withoutBoot = 0;
      await onDisk(disk, async () => {
        const log = await openLog(DIR, { segmentBytes });
        for (const text of texts(4)) {
          await log.append(bytesOf(text));
          told.push(text);
          for (const state of disk.powerLossStates()) {
            states++;
            const found = await onDisk(state, async () => contentOf(await openLog(DIR, { readOnly: true }), 0));
            assert.deepEqual(found, told);
            const blind = state.process();
            const untold = { ...blind.io, traits: () => ({ ...blind.sync.traits(), boot: undefined }) };
            const seen = await withMachine({ io: untold, sync: blind.sync }, async () =>
              contentOf(await openLog(DIR, { readOnly: true }), 0),
            );
            if (seen.length < told.length) withoutBoot++;
            assert.deepEqual(await onDisk(state, () => contentAfterOpening()), told);
          }
        }
      });
      assert.ok(states >= 8, `${states} states`);
      assert.ok(withoutBoot > 0, "where nobody tells that the system was started again, the newest are missing");
    }
  });

  it("sees nothing that is not durable while the system runs, of an owner who was killed", async () => {
    const disk = await onSim((log) => appendAll(log, texts(2)));
    const doomed = disk.process();
    const appending = doomed.run(async () => {
      const log = await openLog(DIR);
      const written = new Promise<void>((resolve) => {
        const { write } = doomed.io;
        Object.assign(doomed.io, {
          async write(...args: Parameters<typeof write>) {
            const count = await write.apply(doomed.io, args);
            resolve();
            return count;
          },
        });
      });
      void log.append(bytesOf("not durable"));
      await written;
    });
    await appending;
    doomed.kill();
    assert.deepEqual(await onDisk(disk, async () => contentOf(await openLog(DIR, { readOnly: true }), 0)), texts(2));
  });
});
