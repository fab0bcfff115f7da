/** What a lock costs that nobody else wants, and how long the last of many waits. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { child, locks, nativeLock } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const LOCKS_PER_ROUND = 200;
const ROUNDS = 30;
const MICROSECONDS_MAX = 100;
const WAITERS = 64;
const PROCESSES = 8;
const WAITER_ROUNDS = 10;

export async function lock({ dir }) {
  const at = path.join(dir, "a.lock");
  const results = await takeTurns(
    {
      async lock() {
        for (let count = 0; count < LOCKS_PER_ROUND; count++) await (await locks.acquireLock(at)).release();
      },
    },
    { rounds: ROUNDS, warmUp: 5 },
  );
  const us = (results.lock.ms * 1000) / LOCKS_PER_ROUND;
  const target = nativeLock() ? { target: `< ${MICROSECONDS_MAX}`, met: us < MICROSECONDS_MAX } : {};
  return [
    {
      id: "lock and unlock, nobody else wants it",
      value: round(us, 1),
      unit: "us",
      ...target,
      details: { rounds: ROUNDS, native: nativeLock() !== undefined },
    },
    await inOneProcess(at),
    await inManyProcesses(path.join(dir, "b.lock")),
  ];
}

/** From the release of a lock that 64 callers wait for, to when the last has had it. */
async function inOneProcess(at) {
  const longest = [];
  for (let turn = 0; turn < WAITER_ROUNDS; turn++) {
    const first = await locks.acquireLock(at);
    const waiting = Array.from({ length: WAITERS }, async () => (await locks.acquireLock(at, { timeoutMs: 60_000 })).release());
    const startMs = performance.now();
    await first.release();
    await Promise.all(waiting);
    longest.push(performance.now() - startMs);
  }
  return waited(`${WAITERS} waiters of one process: longest wait`, longest);
}

/** 8 processes of 8 callers each. Every wait is from the call to the lock; the longest of all counts. */
async function inManyProcesses(at) {
  const args = [child("lock"), at, String(WAITERS / PROCESSES), String(WAITER_ROUNDS)];
  const processes = Array.from({ length: PROCESSES }, () => {
    const started = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    return { started, lines: createInterface({ input: started.stdout })[Symbol.asyncIterator]() };
  });
  for (const { lines } of processes) await lines.next();
  for (const { started } of processes) started.stdin.end("go\n");
  const ends = processes.map(({ started }) => once(started, "exit"));
  const longest = [];
  for (const { lines } of processes) longest.push(...JSON.parse((await lines.next()).value));
  await Promise.all(ends);
  return waited(`${WAITERS} waiters of ${PROCESSES} processes: longest wait`, [Math.max(...longest)]);
}

function waited(id, longest) {
  const ms = Math.max(...longest);
  return { id, value: round(ms, 1), unit: "ms", details: { longestMs: longest.map((one) => round(one, 1)) } };
}
