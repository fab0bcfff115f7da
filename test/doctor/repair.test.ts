/** Interrupted commits of real processes, and damage: what repair makes of them. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { needsLinux } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { contentOf, findings, interruptCommit, snapshot } from "./remains.ts";

const OLD = { a: "old", b: "old" };
const NEW = { a: "new", b: "new" };
const JOURNAL_LOCK = ".holdfast-journal.lock";

/** The one name of ours with this beginning. */
function ours(dir: string, part: string): string {
  const [name, ...more] = leftovers(dir).filter((one) => new RegExp(`^\\.holdfast-${part}-[^.-]+$`).test(one));
  assert.ok(name !== undefined && more.length === 0, `${part}: ${leftovers(dir)}`);
  return path.join(dir, name);
}

describe("repair", { skip: needsLinux }, () => {
  for (const way of ["two-step", "file-by-file"] as const) {
    it(`finishes a commit that was killed in the middle, ${way}`, async (t) => {
      const dir = tempDir(t);
      const target = await interruptCommit(dir, way);
      assert.notDeepEqual(contentOf(target), NEW);
      const before = snapshot(dir);
      const found = (await findings(dir)).by("interrupted-commit");
      assert.deepEqual([found.state, found.repair], ["dead", "recovered"]);
      assert.match(found.text, /commit of site/);
      assert.deepEqual(snapshot(dir), before);

      const { by } = await findings(dir, { repair: true });
      assert.deepEqual([by("interrupted-commit").repair, by("interrupted-commit").repaired], ["recovered", true]);
      assert.deepEqual(contentOf(target), NEW);
      assert.deepEqual(leftovers(dir), [JOURNAL_LOCK]);
    });
  }

  it("keeps everything where the record is damaged: the old content, the new content, the record", async (t) => {
    const dir = tempDir(t);
    const target = await interruptCommit(dir, "two-step");
    const journal = ours(dir, "journal");
    const bytes = fs.readFileSync(journal);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 3) ^ 1, bytes.length - 3);
    fs.writeFileSync(journal, bytes);
    const before = snapshot(dir);
    const found = (await findings(dir)).by("interrupted-commit");
    assert.deepEqual([found.state, found.repair], ["damaged", "quarantined"]);
    assert.deepEqual(snapshot(dir), before);

    const { by, repairedCount, failedCount } = await findings(dir, { repair: true });
    assert.deepEqual([repairedCount, failedCount, by("interrupted-commit").repair], [1, 0, "quarantined"]);
    assert.equal(contentOf(target), undefined, "which directory it was, only a whole record tells");
    assert.deepEqual(contentOf(ours(dir, "quarantine")), NEW);
    assert.deepEqual(contentOf(ours(dir, "quarantine-old")), OLD);
    assert.ok(fs.readFileSync(ours(dir, "quarantine-journal")).equals(bytes));
    const again = await findings(dir, { repair: true });
    assert.deepEqual([again.states.quarantined, again.repairedCount, again.repairableCount], [3, 0, 0]);
  });

  it("puts the old content back where the new one is gone", async (t) => {
    const dir = tempDir(t);
    const target = await interruptCommit(dir, "two-step");
    assert.equal(contentOf(target), undefined);
    fs.rmSync(ours(dir, "dir"), { recursive: true });
    const { by } = await findings(dir, { repair: true });
    assert.equal(by("interrupted-commit").repair, "quarantined");
    assert.match(by("interrupted-commit").text, /has its old content back/);
    assert.deepEqual(contentOf(target), OLD);
  });

  it("does not publish staged files that have rotted", async (t) => {
    const dir = tempDir(t);
    const target = await interruptCommit(dir, "file-by-file");
    const half = contentOf(target);
    const staged = ours(dir, "dir");
    for (const name of fs.readdirSync(staged)) fs.writeFileSync(path.join(staged, name), "rot");
    assert.equal((await findings(dir)).by("interrupted-commit").state, "damaged");
    await findings(dir, { repair: true });
    assert.deepEqual(contentOf(target), half, "as the dead process left it");
    assert.deepEqual(Object.values(contentOf(ours(dir, "quarantine")) ?? {}), ["rot"]);
  });

  it("keeps what was moved aside and has no record any more", async (t) => {
    const dir = tempDir(t);
    await interruptCommit(dir, "two-step");
    fs.rmSync(ours(dir, "journal"));
    await findings(dir, { repair: true }); // the unit is a dead one like others now
    const { by } = await findings(dir, { repair: true });
    assert.equal(by("old-directory").repair, "quarantined");
    assert.deepEqual(contentOf(ours(dir, "quarantine-old")), OLD);
  });

  it("leaves a commit that a newer version has begun", async (t) => {
    const dir = tempDir(t);
    await interruptCommit(dir, "two-step");
    const journal = ours(dir, "journal");
    fs.writeFileSync(journal, fs.readFileSync(journal, "latin1").replace("holdfast-journal 1 ", "holdfast-journal 2 "), "latin1");
    const before = snapshot(dir);
    const { by } = await findings(dir, { repair: true });
    assert.deepEqual([by("interrupted-commit").state, by("interrupted-commit").repair], ["unknown", "kept"]);
    assert.deepEqual(snapshot(dir), before);
  });
});
