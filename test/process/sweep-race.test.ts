/** Sweepers in a tight loop beside busy writers: no write fails, and nothing of a live writer is lost. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { startChild } from "../support/child.ts";
import { wide } from "../support/deep.ts";
import { needsLinux } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const FILES = wide ? 500 : 150;

test(`4 processes sweep all the time while 2 write ${FILES} files each: no write fails, every file is whole`, {
  skip: needsLinux,
}, async (t) => {
  const dir = tempDir(t);
  const sweepers = Array.from({ length: 4 }, (_, me) =>
    startChild(
      async ({ hf, path, machines, say, heard }, { dir, me }) => {
        let over = false;
        void heard().then(() => (over = true));
        say("ready");
        let sweeps = 0;
        for (; !over; sweeps++) {
          // A machine that has swept nothing yet sweeps at its first write.
          const fresh = machines.wrapped((_call, proceed) => proceed());
          const file = path.join(dir, `sweeper-${me}`);
          if (sweeps % 2 === 0) await machines.withMachine(fresh, () => hf.writeFile(file, "x", { durability: "volatile" }));
          else machines.withMachine(fresh, () => hf.writeFileSync(file, "x", { durability: "volatile" }));
        }
        return sweeps;
      },
      { dir, me },
    ),
  );
  const writers = [0, 1].map((me) =>
    startChild(
      async ({ hf, path, say, heard }, { dir, me, count }) => {
        say("ready");
        await heard();
        for (let index = 0; index < count; index += 10) {
          await Promise.all(
            Array.from({ length: 9 }, (_, nth) =>
              hf.writeFile(path.join(dir, `${me}-${index + nth}`), `content ${index + nth}`, { durability: "volatile" }),
            ),
          );
          hf.writeFileSync(path.join(dir, `${me}-${index + 9}`), `content ${index + 9}`, { durability: "volatile" });
        }
      },
      { dir, me, count: FILES },
    ),
  );
  t.after(() => Promise.all([...sweepers, ...writers].map((child) => child.kill())));
  for (const child of [...sweepers, ...writers]) assert.equal(await child.next(), "ready");
  for (const writer of writers) writer.tell("go");
  for (const { result } of writers) await result;
  for (const sweeper of sweepers) sweeper.tell("stop");
  const sweeps = await Promise.all(sweepers.map(({ result }) => result));
  t.diagnostic(`${sweeps.join(" + ")} sweeps`);
  assert.ok(sweeps.every((count) => count > 10));
  for (const me of [0, 1])
    for (let index = 0; index < FILES; index++)
      assert.equal(fs.readFileSync(path.join(dir, `${me}-${index}`), "utf8"), `content ${index}`);
  assert.deepEqual(leftovers(dir), []);
});
