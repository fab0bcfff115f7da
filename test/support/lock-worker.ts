/** A worker thread that counts under a lock. */
import fs from "node:fs";
import { workerData } from "node:worker_threads";
import { withLock } from "holdfast/lock";
import { witnessed } from "./witness.ts";

const { lockPath, counter, rounds } = workerData as { lockPath: string; counter: string; rounds: number };

for (let round = 0; round < rounds; round++) {
  await withLock(lockPath, (lock) =>
    witnessed(lock, async () => {
      const count = Number(fs.readFileSync(counter, "utf8"));
      await new Promise((resolve) => setImmediate(resolve));
      fs.writeFileSync(counter, String(count + 1));
    }),
  );
}
