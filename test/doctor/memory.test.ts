/** A directory needs no memory for what is not ours in it. `npm run bench -- doctor` does it with a million files. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { inChild } from "../support/child.ts";
import { needsLinux } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

const FILES = 20_000;
/** A name and its kind, kept, are more than that. */
const BYTES_A_FILE_MAX = 40;

test(`what a directory of ${FILES} files holds on to is not its files`, { skip: needsLinux }, async (t) => {
  const dir = tempDir(t);
  for (let index = 0; index < FILES; index++)
    fs.closeSync(fs.openSync(path.join(dir, `somebody-elses-file-with-a-name-of-usual-length-${index}`), "w"));
  const kept = await inChild(
    async ({ doctor, machines }, dir) => {
      const collect = (): number => {
        (globalThis as { gc?: () => void }).gc?.();
        return process.memoryUsage().heapUsed;
      };
      let held = 0;
      // While the listing is in the hands of the library: what it has kept of the directory can't be collected.
      const machine = machines.wrapped(async (call, proceed) => {
        const reply = await proceed();
        if (call.op === "search") held = collect();
        return reply;
      });
      const before = collect();
      await machines.withMachine(machine, () => doctor.diagnose(dir));
      return held - before;
    },
    dir,
    { nodeArgs: ["--expose-gc"] },
  );
  t.diagnostic(`${kept} bytes`);
  assert.ok(kept < FILES * BYTES_A_FILE_MAX, `${kept} bytes for ${FILES} files`);
});
