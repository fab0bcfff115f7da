/** updateFile and its twin: read, change and replace under a lock. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type Data, readFile, type UpdateFileOptions, type UpdateResult, updateFile, updateFileSync, writeFile } from "holdfast";
import { acquireLock } from "holdfast/lock";
import { startChild } from "../support/child.ts";
import { needsPosix } from "../support/needs.ts";
import { allClosed, leftovers, tempDir } from "../support/temp-dir.ts";

type Change = (content: Uint8Array | undefined) => string | undefined;

/** Both forms. */
const WAYS: Readonly<Record<string, (file: string, change: Change, options?: UpdateFileOptions) => Promise<UpdateResult>>> = {
  updateFile,
  updateFileSync: async (file, change, options) => updateFileSync(file, change, options),
};

/** Without the note that Windows has beside a lock file. */
const names = (dir: string): string[] =>
  fs
    .readdirSync(dir)
    .filter((name) => !name.endsWith(".holder"))
    .sort();

const text = (content: Uint8Array | undefined): string | undefined => content && new TextDecoder().decode(content);

function fileWith(t: TestContext, content?: string): string {
  const file = path.join(tempDir(t), "file");
  if (content !== undefined) fs.writeFileSync(file, content);
  return file;
}

for (const [way, update] of Object.entries(WAYS)) {
  describe(way, () => {
    test("gives undefined for an absent file, its content else, and writes what comes back", async (t) => {
      const file = fileWith(t);
      const seen: (string | undefined)[] = [];
      for (const next of ["a", "", "bb"]) {
        const result = await update(file, (old) => {
          seen.push(text(old));
          return next;
        });
        assert.equal(result.changed, true);
        assert.deepEqual(result, { ...result, sizeBytes: next.length, superseded: false, notKept: [] });
        assert.equal(fs.readFileSync(file, "utf8"), next);
      }
      assert.deepEqual(seen, [undefined, "a", ""]);
      assert.deepEqual(names(path.dirname(file)), ["file", "file.lock"]);
      await allClosed(path.dirname(file));
    });

    test("undefined changes nothing: not one write", async (t) => {
      const file = fileWith(t, "old");
      const before = fs.statSync(file, { bigint: true });
      assert.deepEqual(await update(file, () => undefined), { changed: false });
      const after = fs.statSync(file, { bigint: true });
      assert.deepEqual([after.ino, after.mtimeNs, after.ctimeNs], [before.ino, before.mtimeNs, before.ctimeNs]);
      const absent = path.join(path.dirname(file), "absent");
      assert.deepEqual(await update(absent, () => undefined), { changed: false });
      assert.equal(fs.existsSync(absent), false);
    });

    test("what throws comes out as it is, changes nothing and leaves the lock free", async (t) => {
      const file = fileWith(t, "old");
      const before = fs.statSync(file, { bigint: true });
      const thrown = new Error("mine");
      const failing = update(file, () => {
        throw thrown;
      });
      await assert.rejects(failing, (error) => error === thrown);
      const wrong = 5 as unknown as string;
      await assert.rejects(
        update(file, () => wrong),
        TypeError,
      );
      assert.equal(fs.statSync(file, { bigint: true }).ino, before.ino);
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      assert.deepEqual(leftovers(path.dirname(file)), []);
      const lock = await acquireLock(`${file}.lock`, { timeoutMs: 0 });
      assert.equal(lock.previousOwnerDied, false);
      await lock.release();
    });

    test("keeps the mode, and sets one that is asked for", { skip: needsPosix }, async (t) => {
      const file = fileWith(t, "old");
      fs.chmodSync(file, 0o640);
      await update(file, () => "new");
      assert.equal(fs.statSync(file).mode & 0o7777, 0o640);
      await update(file, () => "newer", { mode: 0o600 });
      assert.equal(fs.statSync(file).mode & 0o7777, 0o600);
    });

    test("follows, replaces or refuses a link, as it is told; makes directories", { skip: needsPosix }, async (t) => {
      const file = fileWith(t, "old");
      const dir = path.dirname(file);
      const link = path.join(dir, "link");
      fs.symlinkSync("file", link);
      await update(link, (old) => `${text(old)}+`);
      assert.equal(fs.readFileSync(file, "utf8"), "old+");
      assert.ok(fs.lstatSync(link).isSymbolicLink());
      assert.equal(fs.existsSync(`${link}.lock`), false, "one lock for the file and its aliases");
      await assert.rejects(
        update(link, () => "no", { symlink: "refuse" }),
        { code: "SYMLINK" },
      );
      await update(link, (old) => `${text(old)}+`, { symlink: "replace" });
      assert.equal(fs.readFileSync(link, "utf8"), "old++");
      assert.equal(fs.readFileSync(file, "utf8"), "old+");
      const deep = path.join(dir, "a/b/c");
      await assert.rejects(
        update(deep, () => "x"),
        { code: "NOT_FOUND" },
      );
      await update(deep, () => "x", { parents: true });
      assert.equal(fs.readFileSync(deep, "utf8"), "x");
    });

    test("puts its lock into lockDirectory, for files of one name in two directories apart", async (t) => {
      const dir = tempDir(t);
      const locks = path.join(dir, "locks");
      for (const name of ["locks", "a", "b"]) fs.mkdirSync(path.join(dir, name));
      for (const name of ["a/file", "b/file", "a/file"]) {
        await update(path.join(dir, name), (old) => `${text(old) ?? ""}x`, { lockDirectory: locks });
      }
      assert.equal(fs.readFileSync(path.join(dir, "a/file"), "utf8"), "xx");
      assert.deepEqual(fs.readdirSync(path.join(dir, "a")), ["file"]);
      assert.deepEqual(names(locks).length, 2);
      for (const name of names(locks)) assert.match(name, /^file-[0-9a-f]{32}\.lock$/);
      await assert.rejects(
        update(path.join(dir, "a/file"), () => "", { lockDirectory: path.join(dir, "none") }),
        { code: "NOT_FOUND", outcome: "unchanged" },
      );
    });

    test("refuses wrong arguments, a directory, and a file of others where its lock would be", async (t) => {
      const file = fileWith(t, "old");
      const dir = path.dirname(file);
      const wrong = <T>(value: unknown): T => value as T;
      await assert.rejects(update(file, wrong("text")), /change must be a function/);
      await assert.rejects(
        update(file, () => "", wrong({ ifAbsent: true })),
        /unknown option "ifAbsent"/,
      );
      await assert.rejects(
        update(file, () => "", { lockTimeoutMs: -1 }),
        RangeError,
      );
      await assert.rejects(
        update(file, () => "", wrong({ lockDirectory: 5 })),
        RangeError,
      );
      await assert.rejects(
        update(dir, () => ""),
        { code: "NOT_A_FILE" },
      );
      assert.deepEqual(fs.readdirSync(dir), ["file"]);
      fs.writeFileSync(`${file}.lock`, "# yarn lockfile v1\n");
      await assert.rejects(
        update(file, () => ""),
        { code: "NOT_A_FILE", path: `${file}.lock`, outcome: "unchanged" },
      );
      assert.equal(fs.readFileSync(`${file}.lock`, "utf8"), "# yarn lockfile v1\n");
      assert.equal(fs.readFileSync(file, "utf8"), "old");
    });
  });
}

describe("an asynchronous update", () => {
  test("may take its time, and give any kind of data", async (t) => {
    const file = fileWith(t, "0");
    async function* chunks(): AsyncGenerator<string> {
      yield "a";
      yield "b";
    }
    for (const [data, expected] of [
      [new Uint8Array([104, 105]), "hi"],
      [["x", "y"], "xy"],
      [chunks(), "ab"],
    ] as [Data, string][]) {
      await updateFile(file, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return data;
      });
      assert.equal(fs.readFileSync(file, "utf8"), expected);
    }
    const thrown = new Error("later");
    await assert.rejects(
      updateFile(file, async () => {
        throw thrown;
      }),
      (error) => error === thrown,
    );
    assert.equal(fs.readFileSync(file, "utf8"), "ab");
  });

  test("100 at once of one process, by two spellings and a link: none is lost", async (t) => {
    const file = fileWith(t, "0");
    const spellings = [file, path.relative(process.cwd(), file)];
    if (!needsPosix) {
      fs.symlinkSync(file, `${file}-link`);
      spellings.push(`${file}-link`);
    }
    const increment = (old: Uint8Array | undefined): string => String(Number(text(old)) + 1);
    const options = { durability: "volatile", lockTimeoutMs: 60_000 } as const;
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => updateFile(spellings[index % spellings.length] ?? file, increment, options)),
    );
    assert.equal(await readFile(file, "utf8"), "100");
  });

  test("that is aborted while it waits, or while it changes, changes nothing", async (t) => {
    const file = fileWith(t, "old");
    const lock = await acquireLock(`${file}.lock`);
    const control = new AbortController();
    const waiting = assert.rejects(
      updateFile(file, () => "new", { signal: control.signal }),
      { code: "ABORTED", outcome: "unchanged" },
    );
    await new Promise((resolve) => setImmediate(resolve));
    control.abort();
    await waiting;
    await lock.release();
    const second = new AbortController();
    const changing = updateFile(
      file,
      () => {
        second.abort();
        return "new";
      },
      { signal: second.signal },
    );
    await assert.rejects(changing, { code: "ABORTED", outcome: "unchanged" });
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(leftovers(path.dirname(file)), []);
  });

  test("of the file inside its own change is LOCKED, not a wait for ever", async (t) => {
    const file = fileWith(t, "old");
    const inner = updateFile(file, async () => {
      await updateFile(file, () => "inner", { lockTimeoutMs: 20 });
      return "outer";
    });
    await assert.rejects(inner, { code: "LOCKED", outcome: "unchanged" });
    assert.equal(fs.readFileSync(file, "utf8"), "old");
  });

  test("does not keep out a plain write", async (t) => {
    const file = fileWith(t, "old");
    await updateFile(file, async () => {
      await writeFile(file, "plain");
      return undefined;
    });
    assert.equal(fs.readFileSync(file, "utf8"), "plain");
  });
});

describe("a synchronous update", () => {
  test("is LOCKED at once while an asynchronous one of this process has the lock, or waits for it", async (t) => {
    const file = fileWith(t, "old");
    let failed: unknown;
    await updateFile(file, () => {
      try {
        updateFileSync(file, () => "sync", { lockTimeoutMs: 60_000 });
      } catch (error) {
        failed = error;
      }
      return "async";
    });
    const { code, outcome, details } = failed as { code: string; outcome: string; details: object };
    assert.deepEqual([code, outcome], ["LOCKED", "unchanged"]);
    assert.deepEqual({ ...details, since: "" }, { waitedMs: 0, pid: process.pid, host: os.hostname(), since: "" });
    assert.equal(fs.readFileSync(file, "utf8"), "async");
    updateFileSync(file, () => "sync");
    assert.equal(fs.readFileSync(file, "utf8"), "sync");
  });

  test("waits for another process", async (t) => {
    const file = fileWith(t, "0");
    const other = startChild(async ({ hf, say }, file) => {
      await hf.updateFile(file, async (old) => {
        say("inside");
        await new Promise((resolve) => setTimeout(resolve, 100)); // the parent's event loop stands still: it can't tell when
        return `${new TextDecoder().decode(old)}+other`;
      });
    }, file);
    t.after(() => other.kill());
    assert.equal(await other.next(), "inside");
    assert.throws(() => updateFileSync(file, () => "", { lockTimeoutMs: 0 }), { code: "LOCKED" });
    updateFileSync(file, (old) => `${text(old)}+this`);
    assert.equal(fs.readFileSync(file, "utf8"), "0+other+this");
    await other.result;
  });

  test("refuses data that comes later, and changes nothing", async (t) => {
    const file = fileWith(t, "old");
    const later = (async () => "new")() as unknown as string;
    assert.throws(() => updateFileSync(file, () => later), TypeError);
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    updateFileSync(file, () => "free");
  });
});
