/** The append log: one appender against bare write and fdatasync, many against one, and reading against bare reading. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { child, logs, nativeLock } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const RECORD_BYTES = 1024;
/** So many in a row, as of one appender that goes on: with a few, each turn would pay for what the one before put into the caches. */
const APPENDS_PER_TURN = 200;
const BATCHES_PER_TURN = 20;
const ROUNDS = 30;
const APPENDERS = 64;
const SYNC_MAX = 1.2;
const ASYNC_MAX = 1.6;
const TOGETHER_MIN = 20;
const RECORDS = 1_000_000;
const BATCH = 4000;
const READ_MB_PER_SECOND_MIN = 400;
const READ_ROUNDS = 5;
const READ_BYTES = 1024 * 1024;
/** What is written with a record: the frames around it, and what tells readers how far the log goes. */
const FRAMES_BYTES = 52;
const HINT = new Uint8Array(192);
/** The smaller of two logs, of which the larger must not need more memory. */
const SMALL_RECORDS = 100_000;
const MEMORY_MAX = 1.25;

export async function log({ dir }) {
  return [...(await appending(dir)), ...(await reading(dir))];
}

async function appending(dir) {
  const record = new Uint8Array(RECORD_BYTES).fill(7);
  const one = await logs.openLog(path.join(dir, "one"));
  const sync = await logs.openLog(path.join(dir, "sync"));
  const many = await logs.openLog(path.join(dir, "many"));
  const bare = fs.openSync(path.join(dir, "bare"), "w+");
  const calls = bareCalls(dir);
  let end = 0;
  const results = await takeTurns(
    {
      bare() {
        for (let count = 0; count < APPENDS_PER_TURN; count++, end += RECORD_BYTES) {
          fs.writeSync(bare, record, 0, RECORD_BYTES, end);
          fs.fdatasyncSync(bare);
        }
      },
      calls() {
        for (let count = 0; count < APPENDS_PER_TURN; count++) calls.append();
      },
      sync() {
        for (let count = 0; count < APPENDS_PER_TURN; count++) sync.appendSync(record);
      },
      async one() {
        for (let count = 0; count < APPENDS_PER_TURN; count++) await one.append(record);
      },
      async many() {
        for (let count = 0; count < BATCHES_PER_TURN; count++)
          await Promise.all(Array.from({ length: APPENDERS }, () => many.append(record)));
      },
    },
    { rounds: ROUNDS, warmUp: 10, baseline: "bare" },
  );
  for (const open of [one, sync, many]) await open.close();
  fs.closeSync(bare);
  calls.close();
  const us = (name) => round((results[name].ms * 1000) / APPENDS_PER_TURN, 0);
  const single = (id, name, max) => {
    const { ratio } = results[name];
    const note = `${us(name)} us against ${us("bare")} us for write and fdatasync, and ${us("calls")} us for all of its system calls alone`;
    return { id, value: round(ratio), unit: "x", target: `<= ${max}`, met: ratio <= max, note };
  };
  const perSecond = (name, appends) => (appends * 1000) / results[name].ms;
  const together = perSecond("many", APPENDERS * BATCHES_PER_TURN);
  const speed = together / perSecond("one", APPENDS_PER_TURN);
  return [
    single("appendSync of 1 KiB / bare", "sync", SYNC_MAX),
    single("awaited append of 1 KiB / bare", "one", ASYNC_MAX),
    {
      id: `${APPENDERS} appenders at once / one by one`,
      value: round(speed, 1),
      unit: "x the rate",
      target: `>= ${TOGETHER_MIN}`,
      met: speed >= TOGETHER_MIN,
      details: { perSecond: Math.round(together) },
    },
  ];
}

/** The system calls of one append, and nothing else: below what they cost no library that makes them can come. */
function bareCalls(dir) {
  const native = nativeLock();
  const lock = fs.openSync(path.join(dir, "calls.lock"), "w+");
  const file = fs.openSync(path.join(dir, "calls"), "w+");
  const bytes = new Uint8Array(RECORD_BYTES + FRAMES_BYTES).fill(7);
  const beyond = new Uint8Array(1);
  let end = 0;
  return {
    append() {
      native?.tryLock(lock);
      fs.readSync(file, beyond, 0, 1, end);
      fs.writeSync(file, bytes, 0, bytes.length, end);
      end += bytes.length;
      fs.fdatasyncSync(file);
      fs.writeSync(lock, HINT, 0, HINT.length, 0);
      native?.unlock(lock);
    },
    close() {
      fs.closeSync(file);
      fs.closeSync(lock);
    },
  };
}

async function filled(dir, records) {
  const record = new Uint8Array(RECORD_BYTES).map((_, index) => index * 7);
  const open = await logs.openLog(dir, { durability: "atomic" });
  for (let count = 0; count < records; count += BATCH)
    await Promise.all(Array.from({ length: Math.min(BATCH, records - count) }, () => open.append(record)));
  await open.close();
  return fs.readdirSync(dir).map((name) => path.join(dir, name));
}

async function reading(dir) {
  const large = path.join(dir, "large");
  const small = path.join(dir, "small");
  const files = (await filled(large, RECORDS)).filter((file) => path.basename(file).startsWith("segment-"));
  await filled(small, SMALL_RECORDS);
  const bytes = files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
  const results = await takeTurns(
    {
      bare() {
        const piece = Buffer.alloc(READ_BYTES);
        for (const file of files) {
          const open = fs.openSync(file);
          for (let check = 0, count = -1; count !== 0; ) {
            count = fs.readSync(open, piece);
            for (let at = 0; at < count; at += RECORD_BYTES + 12)
              check = crc32(piece.subarray(at, Math.min(count, at + RECORD_BYTES + 12)), check);
          }
          fs.closeSync(open);
        }
      },
      async verify() {
        const open = await logs.openLog(large);
        await open.verify();
        await open.close();
      },
    },
    { rounds: READ_ROUNDS, warmUp: 1, baseline: "bare" },
  );
  const rate = (name) => bytes / 1000 / results[name].ms;
  const least = Math.min(READ_MB_PER_SECOND_MIN, rate("bare") / 2);
  const peaks = [small, large].map((at) => Number(spawnSync(process.execPath, [child("log"), at], { encoding: "utf8" }).stdout));
  const growth = peaks[1] / peaks[0];
  return [
    {
      id: `open and verify ${RECORDS} records`,
      value: Math.round(rate("verify")),
      unit: "MB/s",
      target: `>= ${Math.round(least)}`,
      met: rate("verify") >= least,
      note: `bare reading and the checksum alone: ${Math.round(rate("bare"))} MB/s`,
    },
    {
      id: `peak memory, ${RECORDS} / ${SMALL_RECORDS} records`,
      value: round(growth),
      unit: "x",
      target: `<= ${MEMORY_MAX}`,
      met: growth <= MEMORY_MAX,
      note: `open, read and verify: ${peaks.map((kib) => `${Math.round(kib / 1024)} MiB`).join(" and ")} in the small and the large one`,
    },
  ];
}
