/** Whatever fails, the error says what is on the disk, and nothing is left open or lying about. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHoldfastError, stageFile, updateFile, updateFileSync, writeFile, writeFileSync } from "holdfast";
import { type FaultSweepOptions, faultSweep, onDisk, SimDisk } from "holdfast/sim";

const PATH = "/app/config.json";
const OLD = "the old content";
const NEW = "the new content";

const replacing = (run: () => unknown, more: Partial<FaultSweepOptions> = {}): FaultSweepOptions => ({
  setup: (disk) => disk.writeFile(PATH, OLD, 0o640),
  run,
  observe: (disk) => disk.readText(PATH),
  ...more,
});
const creating = (run: () => unknown): FaultSweepOptions => ({
  setup: (disk) => disk.makeDir("/app"),
  run,
  observe: (disk) => disk.readText("/app/new") ?? disk.readText("/app/deep/new"),
});

const WAYS: Record<string, FaultSweepOptions> = {
  writeFile: replacing(() => writeFile(PATH, NEW)),
  writeFileSync: replacing(() => writeFileSync(PATH, NEW)),
  stageFile: replacing(async () => {
    const staged = await stageFile(PATH);
    try {
      await staged.write(NEW);
      await staged.commit();
    } finally {
      await staged.discard();
    }
  }),
  "durability atomic": replacing(() => writeFile(PATH, NEW, { durability: "atomic" }), { durability: "atomic" }),
  "durability volatile": replacing(() => writeFile(PATH, NEW, { durability: "volatile" }), { durability: "volatile" }),
  "an explicit mode": replacing(() => writeFile(PATH, NEW, { mode: 0o600 })),
  "a new file": creating(() => writeFile("/app/new", NEW)),
  ifAbsent: creating(() => writeFile("/app/new", NEW, { ifAbsent: true })),
  parents: creating(() => writeFile("/app/deep/new", NEW, { parents: true })),
  updateFile: replacing(() => updateFile(PATH, () => NEW)),
  updateFileSync: replacing(() => updateFileSync(PATH, () => NEW)),
  "updateFile of a new file": creating(() => updateFile("/app/deep/new", () => NEW, { parents: true })),
  "updateFile that changes nothing": replacing(() => updateFile(PATH, () => undefined)),
  windows: replacing(() => writeFile(PATH, NEW, { busyTimeoutMs: 100 }), { disk: { platform: "windows" } }),
};

for (const [name, options] of Object.entries(WAYS)) {
  it(`${name}: the outcome agrees with the disk after every fault`, async () => {
    const { violations, cases, requests, text } = await faultSweep(options);
    assert.equal(violations, 0, text);
    assert.ok(requests >= 8 && cases > 2 * requests, text);
  });
}

describe("what is written for a caller to act on", () => {
  const codeOf = async (op: "open" | "rename" | "syncDir" | "syncFile" | "write", errno: string): Promise<string> => {
    const disk = new SimDisk();
    disk.writeFile(PATH, OLD);
    const faults = [{ op, errno, path: op === "syncDir" ? undefined : "/app/*", times: Number.POSITIVE_INFINITY }];
    const error = await onDisk(disk, () => writeFile(PATH, NEW), { faults }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(isHoldfastError(error), String(error));
    return `${error.code} ${error.outcome}`;
  };

  it("is one code for each kind of failure, with the outcome", async () => {
    assert.equal(await codeOf("write", "ENOSPC"), "NO_SPACE unchanged");
    assert.equal(await codeOf("open", "EMFILE"), "TOO_MANY_FILES unchanged");
    assert.equal(await codeOf("syncFile", "EIO"), "SYNC_FAILED unchanged");
    assert.equal(await codeOf("syncDir", "EIO"), "SYNC_FAILED unknown");
    assert.equal(await codeOf("rename", "EACCES"), "PERMISSION unchanged");
  });
});
