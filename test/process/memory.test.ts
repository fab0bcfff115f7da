/**
 * A long stream goes through one chunk at a time. By default 300 MB; HOLDFAST_SLOW=1 makes it the full 1 GiB.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { inChild } from "../support/child.ts";
import { needsLinux } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

const SIZE = process.env["HOLDFAST_SLOW"] ? 2 ** 30 : 300_000_000;
const MEMORY_MAX = 64 * 2 ** 20;

for (const way of ["writeFile", "createWriteStream"] as const) {
  test(`${way} of ${SIZE} bytes needs less than 64 MiB over the idle process`, { skip: needsLinux }, async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "large");
    const peak = await inChild(
      async ({ hf, fs, path }, { file, size, way }) => {
        const { pipeline } = process.getBuiltinModule("node:stream/promises");
        const durability = "volatile" as const; // how it is synced changes no memory of this process
        await hf.writeFile(path.join(path.dirname(file), "first"), "", { durability });
        const idle = process.memoryUsage().rss;
        const source = fs.createReadStream("/dev/zero", { end: size - 1 });
        if (way === "writeFile") await hf.writeFile(file, source, { durability });
        else await pipeline(source, hf.createWriteStream(file, { durability }));
        return process.resourceUsage().maxRSS * 1024 - idle;
      },
      { file, size: SIZE, way },
    );
    assert.equal(fs.statSync(file).size, SIZE);
    t.diagnostic(`${(peak / 2 ** 20).toFixed(1)} MiB over the idle process`);
    assert.ok(peak < MEMORY_MAX, `${peak} bytes`);
  });
}
