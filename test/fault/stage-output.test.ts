/**
 * Whatever fails while an output is published, the error says what is on the disk, and nothing is left lying about.
 *
 * A command may make more than it was asked for, as tsc its .tsbuildinfo. Such a file beside a directory made its commit fail,
 * and the directory then stayed under a name of ours, with nobody who owned it.
 */
import assert from "node:assert/strict";
import { it } from "node:test";
import { stageOutput, writeFile } from "holdfast";
import { faultSweep, onDisk, SimDisk } from "holdfast/sim";
import { oursOn, useBeside } from "../support/directories.ts";

const AT = "/app/made";
const MAKES: Record<string, string> = { "a file": "", "a directory": "/a" };

async function publishOutput(inside: string): Promise<void> {
  const output = await stageOutput(AT);
  try {
    await writeFile(output.path + inside, "new", { parents: true });
    await writeFile(`${output.path}.log`, "nobody asked for this");
    await output.commit();
  } finally {
    await output.discard();
  }
}

function emptyDisk(): SimDisk {
  const disk = new SimDisk();
  disk.makeDir("/app");
  return disk;
}

for (const [name, inside] of Object.entries(MAKES)) {
  it(`${name}: what is beside it is not published, and goes`, async () => {
    const disk = emptyDisk();
    await onDisk(disk, () => publishOutput(inside));
    assert.ok(disk.readText(AT + inside));
    assert.deepEqual(
      Object.keys(disk.tree()).filter((path) => !path.startsWith(AT)),
      ["/app/"],
    );
  });

  it(`${name}: every request fails in every way`, async () => {
    const { violations, cases, requests, text } = await faultSweep({
      setup: (disk) => disk.makeDir("/app"),
      run: () => publishOutput(inside),
      recover: useBeside, // after an error with outcome "unknown" something may be left
      observe: (disk) => Object.entries(disk.tree()).filter(([path]) => path.startsWith(AT)),
    });
    assert.equal(violations, 0, text);
    assert.ok(cases > requests, text);
  });
}

it("a directory that fails on the way from its place to its commit goes at once", async () => {
  const disk = emptyDisk();
  const faults = [{ op: "removeDir", errno: "EIO" } as const];
  await assert.rejects(
    onDisk(disk, () => publishOutput("/a"), { faults }),
    { outcome: "unchanged" },
  );
  assert.deepEqual(oursOn(disk), []);
});
