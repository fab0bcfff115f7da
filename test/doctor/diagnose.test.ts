/** What the doctor finds of the living and the dead, on real files. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { diagnose } from "holdfast/doctor";
import { acquireLock } from "holdfast/lock";
import { inChild } from "../support/child.ts";
import { withMachine, wrapped } from "../support/machines.ts";
import { needsLinux, needsPosix, needsRoot } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { findings, snapshot, startHolder } from "./remains.ts";

const STAGED = ["staged-file", "staged-directory", "staged-output"];
const TOKEN = "0".repeat(26);

describe("diagnose", { skip: needsLinux }, () => {
  it("says of everything whose it is, and that the owner lives; repair touches none of it", async (t) => {
    const dir = tempDir(t);
    const { process: owner } = await startHolder(t, dir);
    const before = snapshot(dir);
    for (const repair of [false, true]) {
      const { by, all, repairableCount, repairedCount, failedCount } = await findings(dir, { repair });
      for (const kind of STAGED) {
        assert.equal(by(kind).state, "live");
        assert.equal(by(kind).repair, "kept");
      }
      assert.equal(by("staged-directory").owner?.pid, owner.pid);
      assert.deepEqual(
        STAGED.map((kind) => by(kind).sizeBytes),
        [5, 7, 3],
      );
      const locks = all
        .filter(({ kind }) => kind === "lock")
        .map((lock) => [path.basename(lock.path), lock.state, lock.owner?.pid]);
      assert.deepEqual(locks, [
        ["free.lock", "idle", undefined],
        ["held.lock", "live", owner.pid],
      ]);
      assert.deepEqual([repairableCount, repairedCount, failedCount], [0, 0, 0]);
    }
    assert.deepEqual(snapshot(dir), before);
  });

  it("knows when the owner was killed, changes nothing, and removes it all with repair", async (t) => {
    const dir = tempDir(t);
    const holder = await startHolder(t, dir);
    await holder.kill();
    const before = snapshot(dir);
    const { by, all, states, repairableCount } = await findings(dir);
    for (const kind of STAGED) {
      assert.equal(by(kind).state, "dead");
      assert.equal(by(kind).repair, "removed");
      assert.equal(by(kind).repaired, undefined);
    }
    assert.equal(all.find(({ path }) => path.endsWith("held.lock"))?.state, "dead");
    assert.deepEqual([states.dead, states.idle, repairableCount], [4, 1, 3]);
    assert.deepEqual(snapshot(dir), before, "looking has changed something");

    const repaired = await findings(dir, { repair: true });
    for (const kind of STAGED) assert.equal(repaired.by(kind).repaired, true);
    assert.deepEqual([repaired.repairedCount, repaired.repairableCount, repaired.failedCount], [3, 0, 0]);
    assert.deepEqual([...leftovers(dir), ...leftovers(path.join(dir, "sub"))], []);
    const again = await findings(dir);
    assert.deepEqual([again.repairableCount, again.findingCount], [0, 2], "only the two lock files are left");
  });

  it("leaves it to the next owner of a lock to learn that the last one died", async (t) => {
    const dir = tempDir(t);
    await (await startHolder(t, dir)).kill();
    await diagnose(dir, { repair: true });
    const lock = await acquireLock(path.join(dir, "held.lock"));
    assert.equal(lock.previousOwnerDied, true);
    await lock.release();
  });

  it("takes nothing for its own that only looks so, and never touches names that it does not know", async (t) => {
    const dir = tempDir(t);
    fs.writeFileSync(path.join(dir, "yarn.lock"), "# yarn lockfile v1\n");
    fs.writeFileSync(path.join(dir, "empty.lock"), "");
    fs.mkdirSync(path.join(dir, "directory.lock"));
    fs.writeFileSync(path.join(dir, "directory.lock", `.holdfast-stage-${TOKEN}`), "dead");
    fs.writeFileSync(path.join(dir, ".holdfast-later-1"), "x");
    fs.mkdirSync(path.join(dir, ".holdfast-later-2"));
    fs.symlinkSync(dir, path.join(dir, "loop"));
    fs.symlinkSync("/nowhere", path.join(dir, `.holdfast-stage-${TOKEN}`));
    const { all, states } = await findings(dir, { repair: true });
    assert.deepEqual([states.unknown, states.dead, all.length], [3, 1, 4]);
    assert.deepEqual(leftovers(dir).sort(), [".holdfast-later-1", ".holdfast-later-2", `.holdfast-stage-${TOKEN}`]);
    assert.deepEqual(fs.readdirSync(path.join(dir, "directory.lock")), []);
  });

  it("reports what is in quarantine, and what to do, and leaves it", async (t) => {
    const dir = tempDir(t);
    for (const part of ["quarantine", "quarantine-old"]) {
      fs.mkdirSync(path.join(dir, `.holdfast-${part}-${TOKEN}`));
      fs.writeFileSync(path.join(dir, `.holdfast-${part}-${TOKEN}`, "a"), "1234");
    }
    const { all, repairableCount } = await findings(dir, { repair: true });
    assert.deepEqual(
      all.map(({ state, sizeBytes }) => [state, sizeBytes]),
      [
        ["quarantined", 4],
        ["quarantined", 4],
      ],
    );
    assert.equal(repairableCount, 0);
    assert.equal(leftovers(dir).length, 2);
  });

  it("says what it can't prove: another user's files, files without a lock, other file systems", async (t) => {
    const dir = tempDir(t);
    fs.writeFileSync(path.join(dir, `.holdfast-stage-unlocked-${TOKEN}`), "");
    const young = await findings(dir, { repair: true });
    assert.equal(young.by("staged-file").state, "unknown");
    fs.rmSync(path.join(dir, `.holdfast-stage-unlocked-${TOKEN}`));

    fs.writeFileSync(path.join(dir, `.holdfast-stage-${TOKEN}`), "");
    const remote = wrapped((call, proceed) =>
      call.op === "fileSystem" ? { name: "nfs", local: false, persistent: true } : proceed(),
    );
    const far = await withMachine(remote, () => findings(dir, { repair: true }));
    assert.deepEqual([far.by("staged-file").state, far.by("staged-file").repair], ["unknown", "kept"]);
    assert.equal(leftovers(dir).length, 1);
  });

  it("leaves another user's staged directories", { skip: needsRoot }, async (t) => {
    const dir = tempDir(t);
    fs.mkdirSync(path.join(dir, `.holdfast-dir-${TOKEN}`));
    fs.writeFileSync(path.join(dir, `.holdfast-dir-${TOKEN}.lock`), "");
    fs.chownSync(path.join(dir, `.holdfast-dir-${TOKEN}.lock`), 12345, 12345);
    const { by } = await findings(dir, { repair: true });
    assert.deepEqual([by("staged-directory").state, by("staged-directory").repair], ["unknown", "kept"]);
    assert.equal(leftovers(dir).length, 2);
  });

  it("goes on after a directory that it may not read, and says so", { skip: needsPosix }, async (t) => {
    const dir = tempDir(t);
    fs.chmodSync(dir, 0o777);
    for (const name of ["a", "b"]) fs.mkdirSync(path.join(dir, name), { mode: 0o777 });
    fs.chmodSync(path.join(dir, "a"), 0);
    const { states, failedCount, directoryCount } = await inChild(
      async ({ doctor, become }, dir) => {
        if (process.geteuid?.() === 0) become(12345);
        return await doctor.diagnose(dir);
      },
      dir,
      { cwd: "/" },
    ).finally(() => fs.chmodSync(path.join(dir, "a"), 0o700));
    assert.deepEqual([states.unreadable, failedCount, directoryCount], [1, 1, 2]);
  });

  it("refuses what is no directory, wrong options; stops at an abort; passes on what onFinding throws", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, `.holdfast-stage-${TOKEN}`);
    fs.writeFileSync(file, "");
    await assert.rejects(diagnose(path.join(dir, "none")), { code: "NOT_FOUND" });
    await assert.rejects(diagnose(file), { code: "NOT_A_DIRECTORY" });
    await assert.rejects(diagnose(dir, { repair: 1 as never }), RangeError);
    await assert.rejects(diagnose(dir, { fix: true } as never), TypeError);
    const controller = new AbortController();
    const options = { repair: true, signal: controller.signal };
    controller.abort();
    await assert.rejects(diagnose(dir, options), { code: "ABORTED" });
    await assert.rejects(
      diagnose(dir, {
        onFinding: () => {
          throw new RangeError("mine");
        },
      }),
      /mine/,
    );
    assert.equal(leftovers(dir).length, 1);
  });
});
