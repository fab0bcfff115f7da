/** What a log does when nothing fails, and what it says of damage. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { isHoldfastError } from "holdfast";
import { type Log, openLog } from "holdfast/log";
import { onDisk, SimDisk } from "holdfast/sim";
import { appendAll, bytesOf, contentAfterOpening, contentOf, DIR, overwrite, segmentsOn } from "../support/logs.ts";
import { tempDir } from "../support/temp-dir.ts";

const texts = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `record ${from + index}`);

async function withLog<T>(dir: string, use: (log: Log) => Promise<T>, segmentBytes?: number): Promise<T> {
  const log = await openLog(dir, { segmentBytes });
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

async function diskWith(records: readonly string[], segmentBytes?: number): Promise<SimDisk> {
  const disk = new SimDisk();
  disk.makeDir("/app");
  await onDisk(disk, () => withLog(DIR, (log) => appendAll(log, records), segmentBytes));
  return disk;
}

/** Changes a byte of a file, as a failing disk does. */
function rot(disk: SimDisk, file: string, at: number): void {
  const bytes = Uint8Array.from(disk.readFile(file) ?? []);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  overwrite(disk, file, bytes);
}

describe("a log", () => {
  it("gives back what was appended, from any position, over many segments, in another process too", async (t) => {
    const dir = path.join(tempDir(t), "deep", "log");
    const records = texts(40);
    await withLog(dir, async (log) => {
      const positions = await Promise.all(records.map(async (text) => (await log.append(bytesOf(text))).position));
      assert.deepEqual(positions, [...records.keys()]);
      assert.deepEqual(await contentOf(log, 7), records.slice(7));
    });
    await withLog(dir, (log) => appendAll(log, texts(20, 40)), 200);
    assert.ok(fs.readdirSync(dir).filter((name) => name.startsWith("segment-")).length >= 5);
    await using reader = await openLog(dir, { readOnly: true });
    for (const from of [0, 1, 39, 40, 41, 59, 60])
      assert.deepEqual(await contentOf(reader, from), texts(60 - from, from), `from ${from}`);
    assert.deepEqual(await contentOf(reader, 99), []);
  });

  it("commits all who append at once with one sync", async () => {
    const disk = await diskWith([]);
    const syncs = (): number => disk.kernel.log.steps.filter(({ op }) => op === "syncData").length;
    await onDisk(disk, () =>
      withLog(DIR, async (log) => {
        const before = syncs();
        await Promise.all(texts(64).map((text) => log.append(bytesOf(text))));
        assert.equal(syncs() - before, 1);
      }),
    );
  });

  it("takes records of any size, empty ones too, and refuses what is none", async (t) => {
    await withLog(tempDir(t), async (log) => {
      const sizes = [0, 1, 12, 4096, 3_000_000, 0];
      for (const size of sizes) await log.append(new Uint8Array(size).fill(7));
      const found: number[] = [];
      for await (const { bytes } of log.read()) found.push(bytes.length);
      assert.deepEqual(found, sizes);
      await assert.rejects(log.append("text" as unknown as Uint8Array), TypeError);
      await assert.rejects(log.append(new Uint8Array(16 * 1024 * 1024 + 1)), RangeError);
      assert.throws(() => log.read({ from: -1 }), RangeError);
    });
  });

  it("that is closed, or opened to read, takes nothing more", async (t) => {
    const dir = tempDir(t);
    await assert.rejects(openLog(path.join(dir, "none"), { readOnly: true }), (error) => isHoldfastError(error, "NOT_FOUND"));
    const log = await openLog(dir);
    await log.close();
    await assert.rejects(log.append(bytesOf("x")), (error) => isHoldfastError(error, "CLOSED"));
    const reader = await openLog(dir, { readOnly: true });
    await assert.rejects(reader.append(bytesOf("x")), (error) => isHoldfastError(error, "READ_ONLY"));
  });

  it("is tailed by another process, in order and without a gap, until the signal aborts", async (t) => {
    const dir = tempDir(t);
    await using log = await openLog(dir, { segmentBytes: 300 });
    const reader = await openLog(dir, { readOnly: true });
    const stop = new AbortController();
    const seen: string[] = [];
    const tailing = (async () => {
      for await (const { position, bytes } of reader.tail({ from: 2, signal: stop.signal })) {
        assert.equal(position, seen.length + 2);
        seen.push(new TextDecoder().decode(bytes));
        if (position === 29) stop.abort();
      }
    })();
    await appendAll(log, texts(30));
    await assert.rejects(tailing, { name: "AbortError" });
    assert.deepEqual(seen, texts(28, 2));
  });
});

describe("truncateBefore", () => {
  it("removes what is before, keeps positions, and never gives one twice", async () => {
    const disk = await diskWith(texts(12), 200);
    const before = segmentsOn(disk).length;
    await onDisk(disk, () =>
      withLog(DIR, async (log) => {
        assert.deepEqual(await log.truncateBefore(7), { first: 7 });
        assert.deepEqual(await contentOf(log), texts(5, 7));
        await assert.rejects(contentOf(log, 6), (error) => isHoldfastError(error, "NOT_FOUND") && error.details["first"] === 7);
        assert.deepEqual(await log.truncateBefore(3), { first: 7 });
        await assert.rejects(log.truncateBefore(13), RangeError);
        await log.truncateBefore(12);
        assert.deepEqual(await contentOf(log), []);
      }),
    );
    assert.ok(segmentsOn(disk).length < before);
    await onDisk(disk, () => withLog(DIR, async (log) => assert.equal((await log.append(bytesOf("x"))).position, 12)));
  });
});

describe("damage", () => {
  it("below what was durable is loud, says where, and all before it can be read", async () => {
    const disk = await diskWith(texts(6));
    const [segment = ""] = segmentsOn(disk);
    rot(disk, segment, (disk.readFile(segment)?.length ?? 0) - 150);
    await assert.rejects(
      onDisk(disk, () => openLog(DIR)),
      (error) => isHoldfastError(error, "CORRUPT_LOG") && Number(error.details["offset"]) > 80,
    );
    const seen: string[] = [];
    await onDisk(disk, async () => {
      const log = await openLog(DIR, { readOnly: true });
      const read = async (): Promise<void> => {
        for await (const { bytes } of log.read()) seen.push(new TextDecoder().decode(bytes));
      };
      await assert.rejects(read(), (error) => isHoldfastError(error, "CORRUPT_LOG"));
    });
    assert.ok(seen.length > 0 && seen.length < 6, String(seen));
    assert.deepEqual(seen, texts(seen.length));
  });

  it("is known by later batches alone, where the hint is lost", async () => {
    const disk = await diskWith(texts(6));
    overwrite(disk, `${DIR}/log.lock`, bytesOf("lost"));
    const [segment = ""] = segmentsOn(disk);
    rot(disk, segment, 130);
    await assert.rejects(
      onDisk(disk, () => openLog(DIR)),
      (error) => isHoldfastError(error, "CORRUPT_LOG"),
    );
  });

  it("in an old segment, and a segment that is missing, are found by readers", async () => {
    for (const harm of [
      (disk: SimDisk, at: string) => rot(disk, at, 100),
      (disk: SimDisk, at: string) => disk.process().sync.unlink(at),
    ]) {
      const disk = await diskWith(texts(12), 200);
      harm(disk, segmentsOn(disk)[1] ?? "");
      await onDisk(disk, async () => {
        const log = await openLog(DIR, { readOnly: true });
        await assert.rejects(contentOf(log), (error) => isHoldfastError(error, "CORRUPT_LOG"));
      });
    }
  });

  it("is not what lies beyond: it is kept aside in its segment, and never read", async () => {
    for (const tail of [new Uint8Array(100), bytesOf("garbage"), new Uint8Array(5000)]) {
      const disk = await diskWith(texts(3));
      const [segment = ""] = segmentsOn(disk);
      const whole = disk.readFile(segment) ?? new Uint8Array();
      const found = Buffer.concat([whole, tail, whole.subarray(80)]); // frames that look valid, after a gap
      overwrite(disk, segment, found);
      assert.deepEqual(await onDisk(disk, () => contentAfterOpening()), texts(3));
      assert.deepEqual(Buffer.from(disk.readFile(segment) ?? []).subarray(0, found.length), found, "nothing is cut");
      await onDisk(disk, () => withLog(DIR, (log) => appendAll(log, texts(1, 3))));
      assert.deepEqual(await onDisk(disk, () => contentAfterOpening()), texts(4));
    }
  });
});
