/** Which paths are one lock, and what is no lock file. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { acquireLock, tryLock } from "holdfast/lock";
import { inChild, startChild, withMounts } from "../support/child.ts";
import { needsMounts, needsPosix, needsRoot } from "../support/needs.ts";
import { openBelow, tempDir } from "../support/temp-dir.ts";

describe("one lock", () => {
  test("by a relative path, through links to the file and to its directory, and by a URL", { skip: needsPosix }, async (t) => {
    const dir = tempDir(t);
    fs.mkdirSync(path.join(dir, "real"));
    fs.symlinkSync("real", path.join(dir, "linked"));
    fs.symlinkSync("real/a.lock", path.join(dir, "b.lock"));
    const real = path.join(dir, "real/a.lock");
    const other = startChild(
      async ({ locks, say, heard }) => {
        const lock = await locks.acquireLock("linked/../linked/./a.lock");
        say(lock.path);
        await heard();
        await lock.release();
        say("released");
        await heard();
      },
      undefined,
      { cwd: dir },
    );
    t.after(() => other.kill());
    assert.equal(await other.next(), real);
    const spellings = [real, path.join(dir, "linked/a.lock"), path.join(dir, "b.lock"), pathToFileURL(real)];
    for (const spelling of spellings) assert.equal(await tryLock(spelling), undefined, String(spelling));
    other.tell("release");
    await other.next();
    const lock = await acquireLock(path.join(dir, "b.lock"));
    assert.equal(lock.path, real);
    for (const spelling of spellings) assert.equal(await tryLock(spelling), undefined, `in this process: ${spelling}`);
    await lock.release();
  });
});

describe("no lock file", () => {
  test("a file with content of its own is refused, and not touched", async (t) => {
    for (const content of ['{"a":1}', "x", "holdfast-lockfile", "holdfast-lock 2 free\n", "\0\0\0\0"]) {
      const dir = tempDir(t);
      const file = path.join(dir, "config.json");
      fs.writeFileSync(file, content);
      const before = fs.statSync(file, { bigint: true });
      for (const shared of [false, true]) {
        await assert.rejects(acquireLock(file, { shared }), { code: "NOT_A_FILE", outcome: "unchanged", path: file });
        await assert.rejects(tryLock(file, { shared }), { code: "NOT_A_FILE" });
      }
      assert.equal(fs.readFileSync(file, "utf8"), content);
      assert.equal(fs.statSync(file, { bigint: true }).mtimeNs, before.mtimeNs);
      assert.deepEqual(fs.readdirSync(dir), ["config.json"]);
      assert.deepEqual(openBelow(dir), []);
    }
  });

  test("a directory, a FIFO, a missing directory: refused at once", { skip: needsPosix }, async (t) => {
    const dir = tempDir(t);
    execFileSync("mkfifo", [path.join(dir, "fifo")]);
    await assert.rejects(acquireLock(dir), { code: "NOT_A_FILE" });
    await assert.rejects(acquireLock(`${dir}/`), { code: "NOT_A_FILE" });
    await assert.rejects(acquireLock(path.join(dir, "fifo")), { code: "NOT_A_FILE" });
    await assert.rejects(acquireLock(path.join(dir, "none/a.lock")), { code: "NOT_FOUND" });
    assert.deepEqual(fs.readdirSync(dir), ["fifo"]);
  });

  test("where nothing may be written: PERMISSION", { skip: needsRoot }, async (t) => {
    const dir = tempDir(t);
    fs.chmodSync(dir, 0o755);
    fs.writeFileSync(path.join(dir, "theirs.lock"), "", { mode: 0o644 });
    const codes = await inChild(async ({ locks, path, settle, become }, dir) => {
      become(65534);
      const absent = await settle(() => locks.acquireLock(path.join(dir, "a.lock")));
      const theirs = await settle(() => locks.acquireLock(path.join(dir, "theirs.lock")));
      return [absent, theirs].map(({ failed }) => `${failed?.code} ${failed?.outcome}`);
    }, dir);
    assert.deepEqual(codes, Array(2).fill("PERMISSION unchanged"));
    assert.deepEqual(fs.readdirSync(dir), ["theirs.lock"]);
  });

  test("on a read-only mount: READ_ONLY", { skip: needsMounts }, async (t) => {
    const dir = tempDir(t);
    const wrap = withMounts('mount -t tmpfs none "$1"; mount -o remount,ro "$1"', dir);
    const { failed } = await inChild(
      ({ locks, path, settle }, dir) => settle(() => locks.acquireLock(path.join(dir, "a.lock"))),
      dir,
      { wrap },
    );
    assert.equal(`${failed?.code} ${failed?.outcome}`, "READ_ONLY unchanged");
  });
});
