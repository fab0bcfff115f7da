/** So many callers that take and release one lock, so many times; prints the longest wait of each round. */
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { locks } from "../library.mjs";

const [, , at, callers, rounds] = process.argv;
await (await locks.acquireLock(at)).release();
console.log("ready");
await once(process.stdin, "data");
const longest = [];
for (let turn = 0; turn < Number(rounds); turn++) {
  const waits = Array.from({ length: Number(callers) }, async () => {
    const startMs = performance.now();
    const lock = await locks.acquireLock(at, { timeoutMs: 60_000 });
    const waitedMs = performance.now() - startMs;
    await lock.release();
    return waitedMs;
  });
  longest.push(Math.max(...(await Promise.all(waits))));
}
console.log(JSON.stringify(longest));
process.stdin.destroy();
