/** Without fs-native-extensions: SQLite where Node has it, else a refusal that says what to install. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { acquireLock } from "holdfast/lock";
import { type Child, inChild, startChild } from "../support/child.ts";
import { needs, needsPosix, needsRoot } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";
import { needsSqlite, withoutNative } from "../support/without-native.ts";

test("without either, UNSUPPORTED says what to install; writing goes on, updating does not", {
  skip: needs(needsPosix, needsSqlite ? false : "this Node has node:sqlite"),
}, async (t) => {
  const dir = tempDir(t);
  const found = await inChild(
    async ({ hf, locks, path, settle }, dir) => {
      await hf.writeFile(path.join(dir, "file"), "x");
      return [
        await settle(() => locks.acquireLock(path.join(dir, "a.lock"))),
        await settle(() => locks.tryLock(path.join(dir, "a.lock"))),
        await settle(() => hf.updateFile(path.join(dir, "file"), () => "y")),
        await settle(() => hf.updateFileSync(path.join(dir, "file"), () => "y")),
      ].map(({ failed }) => failed);
    },
    dir,
    { main: withoutNative(t) },
  );
  for (const failed of found) {
    assert.equal(`${failed?.code} ${failed?.outcome}`, "UNSUPPORTED unchanged");
    assert.match(failed?.message ?? "", /npm install fs-native-extensions/);
  }
  assert.deepEqual(fs.readdirSync(dir), ["file"]);
  assert.equal(fs.readFileSync(path.join(dir, "file"), "utf8"), "x");
});

describe("by node:sqlite", { skip: needs(needsPosix, needsSqlite) }, () => {
  test("8 processes exclude each other, three of them are killed inside", async (t) => {
    const dir = tempDir(t);
    const lockPath = path.join(dir, "a.lock");
    const counter = path.join(dir, "counter");
    fs.writeFileSync(counter, "0");
    const main = withoutNative(t);
    const start = (mortal: boolean): Child<void> => {
      const child = startChild(
        async ({ locks, fs, witnessed, say, heard }, { lockPath, counter, mortal }) => {
          say("ready");
          await heard();
          for (let round = 0; round < 25; round++) {
            const lock = await locks.acquireLock(lockPath, { timeoutMs: 60_000 });
            await witnessed(lock, async () => {
              const before = Number(fs.readFileSync(counter, "utf8"));
              await new Promise((resolve) => setImmediate(resolve));
              if (mortal && round === 5) process.kill(process.pid, "SIGKILL");
              if (!mortal) fs.writeFileSync(counter, String(before + 1));
            });
            await lock.release();
          }
        },
        { lockPath, counter, mortal },
        { main },
      );
      t.after(() => child.kill());
      return child;
    };
    const children = [false, false, true, false, true, false, true, false].map(start);
    for (const child of children) assert.equal(await child.next(), "ready");
    for (const child of children) child.tell("go");
    const ends = await Promise.allSettled(children.map(({ result }) => result));
    assert.deepEqual(
      ends.map(({ status }) => status === "fulfilled"),
      [true, true, false, true, false, true, false, true],
      JSON.stringify(ends),
    );
    assert.equal(fs.readFileSync(counter, "utf8"), "125");
    assert.equal(fs.statSync(lockPath).size, 0, "the lock file stays empty: opening it would drop the lock");
    assert.match(fs.readFileSync(`${lockPath}.holder`, "utf8"), /^holdfast-lock 1 (free|\{.*\}) *\n$/);
  });

  test("shared, exclusive, LOCKED by whom, the previous owner's death", async (t) => {
    const lockPath = path.join(tempDir(t), "a.lock");
    const main = withoutNative(t);
    const owner = startChild(
      async ({ locks, say, heard }, lockPath) => {
        const shared = await locks.acquireLock(lockPath, { shared: true });
        say("shared");
        await heard();
        await shared.release();
        await locks.acquireLock(lockPath);
        say("alone");
        await heard();
      },
      lockPath,
      { main },
    );
    const other = startChild(
      async ({ locks, settle, say, heard }, lockPath) => {
        const share = async (): Promise<boolean> => {
          const lock = await locks.tryLock(lockPath, { shared: true });
          await lock?.release();
          return lock !== undefined;
        };
        await heard();
        const beside = [await share(), await locks.tryLock(lockPath)];
        say(beside);
        await heard();
        say([await share(), (await settle(() => locks.acquireLock(lockPath, { timeoutMs: 30 }))).failed?.details]);
        await heard();
        const died: boolean[] = [];
        for (let round = 0; round < 2; round++) {
          const lock = await locks.acquireLock(lockPath);
          died.push(lock.previousOwnerDied);
          await lock.release();
        }
        return died;
      },
      lockPath,
      { main },
    );
    t.after(() => Promise.all([owner.kill(), other.kill()]));
    assert.equal(await owner.next(), "shared");
    other.tell("go on");
    assert.deepEqual(await other.next(), [true, null]);
    owner.tell("go on");
    assert.equal(await owner.next(), "alone");
    other.tell("go on");
    const [shared, details] = (await other.next()) as [boolean, { pid: number; waitedMs: number }];
    assert.deepEqual([shared, details.pid, details.waitedMs], [false, owner.process.pid, 30]);
    await owner.kill();
    other.tell("go on");
    assert.deepEqual(await other.result, [true, false]);
  });

  test("files of others are refused: text, one byte, a database; and lock files of the native lock", async (t) => {
    const dir = tempDir(t);
    const native = path.join(dir, "native.lock");
    await (await acquireLock(native)).release();
    fs.writeFileSync(path.join(dir, "text"), '{"a":1}');
    fs.writeFileSync(path.join(dir, "byte"), "x");
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite") as {
      DatabaseSync: new (path: string) => { exec(sql: string): void; close(): void };
    };
    const database = new DatabaseSync(path.join(dir, "database"));
    database.exec("CREATE TABLE a (b)");
    database.close();
    const codes = await inChild(
      async ({ locks, path, settle }, { dir, names }) => {
        const found: string[] = [];
        for (const name of names) {
          const { failed } = await settle(() => locks.acquireLock(path.join(dir, name)));
          found.push(`${name} ${failed?.code} ${failed?.outcome}`);
        }
        return found;
      },
      { dir, names: ["text", "byte", "database", "native.lock"] },
      { main: withoutNative(t) },
    );
    assert.deepEqual(codes, [
      "text NOT_A_FILE unchanged",
      "byte NOT_A_FILE unchanged",
      "database NOT_A_FILE unchanged",
      "native.lock UNSUPPORTED unchanged",
    ]);
    assert.deepEqual(fs.readdirSync(dir).sort(), ["byte", "database", "native.lock", "text"]);
  });

  test("while one process has it by SQLite, the native lock can't be had either (Linux)", {
    skip: needs(process.platform === "linux" ? false : "needs Linux"),
  }, async (t) => {
    const lockPath = path.join(tempDir(t), "a.lock");
    const owner = startChild(
      async ({ locks, say, heard }, lockPath) => {
        const lock = await locks.acquireLock(lockPath);
        say("held");
        await heard();
        await lock.release();
      },
      lockPath,
      { main: withoutNative(t) },
    );
    t.after(() => owner.kill());
    assert.equal(await owner.next(), "held");
    await assert.rejects(acquireLock(lockPath, { timeoutMs: 50 }), { code: "LOCKED" });
    owner.tell("release");
    await owner.result;
    await (await acquireLock(lockPath, { timeoutMs: 0 })).release();
  });

  test("where nothing may be written: PERMISSION", { skip: needsRoot }, async (t) => {
    const dir = tempDir(t);
    fs.chmodSync(dir, 0o755);
    fs.writeFileSync(path.join(dir, "theirs.lock"), "", { mode: 0o644 });
    const main = withoutNative(t);
    fs.chmodSync(path.resolve(main, "../../.."), 0o755);
    const codes = await inChild(
      async ({ locks, path, settle, become }, dir) => {
        become(65534);
        const absent = await settle(() => locks.acquireLock(path.join(dir, "a.lock")));
        const theirs = await settle(() => locks.acquireLock(path.join(dir, "theirs.lock")));
        return [absent, theirs].map(({ failed }) => failed?.code);
      },
      dir,
      { main },
    );
    assert.deepEqual(codes, ["PERMISSION", "PERMISSION"]);
  });
});
