/** Staged directories on the real disk. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { isHoldfastError, type StagedDirectory, stageDirectory } from "holdfast";
import { needsPosix } from "../support/needs.ts";
import { allClosed, leftovers, tempDir } from "../support/temp-dir.ts";

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "none";
  } catch (error) {
    return isHoldfastError(error) ? `${error.code} ${error.outcome}` : String(error);
  }
};

/** All files below a directory with their text. */
function treeOf(dir: string): Record<string, string> {
  const names = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = names.map((entry) => path.join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(
    files.map((file) => [path.relative(dir, file).split(path.sep).join("/"), fs.readFileSync(file, "utf8")]),
  );
}

function filled(dir: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), text);
  }
  return dir;
}

async function publish(target: string, files: Record<string, string>, replace = true): Promise<unknown> {
  const staged = await stageDirectory(target, { replace });
  for (const [name, text] of Object.entries(files)) void staged.writeFile(name, text);
  return await staged.commit();
}

describe("a staged directory", () => {
  it("becomes an absent target, with files written by it and by others", async (t) => {
    const dir = tempDir(t);
    const staged = await stageDirectory(path.join(dir, "out"));
    assert.equal(path.dirname(staged.path), dir);
    void staged.writeFile("by/us.txt", "us");
    filled(staged.path, { "by/hand.txt": "hand" });
    assert.equal(fs.existsSync(staged.target), false);
    const { fileCount, sizeBytes, durability, way, superseded } = await staged.commit();
    assert.deepEqual({ fileCount, sizeBytes, durability }, { fileCount: 2, sizeBytes: 6, durability: "durable" });
    assert.ok(process.platform === "win32" || way === "rename");
    assert.deepEqual(superseded, []);
    assert.deepEqual(treeOf(path.join(dir, "out")), { "by/hand.txt": "hand", "by/us.txt": "us" });
    assert.deepEqual(
      fs.readdirSync(dir).filter((name) => !name.startsWith(".holdfast-journal.lock")),
      ["out"],
    );
  });

  it("takes the place of an empty directory without being asked to replace", async (t) => {
    const out = path.join(tempDir(t), "out");
    fs.mkdirSync(out);
    await publish(out, { a: "1" }, false);
    assert.deepEqual(treeOf(out), { a: "1" });
  });

  it("replaces a directory with all that is in it, if it is asked to", async (t) => {
    const out = filled(path.join(tempDir(t), "out"), { a: "old", "deep/gone": "x", "deep/er/gone": "y" });
    await publish(out, { a: "new", "other/b": "b" });
    assert.deepEqual(treeOf(out), { a: "new", "other/b": "b" });
    assert.deepEqual(
      leftovers(path.dirname(out)).filter((name) => !name.startsWith(".holdfast-journal.lock")),
      [],
    );
  });

  it("refuses a directory with content before anything is staged, and says what is in it", async (t) => {
    const out = filled(path.join(tempDir(t), "out"), { a: "", b: "", c: "", d: "", e: "", f: "", g: "" });
    await assert.rejects(
      stageDirectory(out),
      (error) =>
        isHoldfastError(error, "EXISTS") &&
        /a, b, c, d, e and 2 more; .*replace: true/.test(error.message) &&
        error.details["entryCount"] === 7,
    );
    assert.deepEqual(leftovers(path.dirname(out)), []);
  });

  it("refuses a directory that has got content since it was staged", async (t) => {
    const out = path.join(tempDir(t), "out");
    const staged = await stageDirectory(out);
    await staged.writeFile("a", "mine");
    filled(out, { theirs: "t" });
    assert.equal(await codeOf(staged.commit()), "EXISTS unchanged");
    assert.deepEqual(treeOf(out), { theirs: "t" });
    assert.deepEqual(
      leftovers(path.dirname(out)).filter((name) => !name.startsWith(".holdfast-journal.lock")),
      [],
    );
  });

  it("refuses files, roots and missing parents", async (t) => {
    const dir = filled(tempDir(t), { file: "x" });
    assert.equal(await codeOf(stageDirectory(path.join(dir, "file"))), "NOT_A_DIRECTORY unchanged");
    assert.equal(await codeOf(stageDirectory(path.parse(dir).root)), "INVALID_NAME unchanged");
    assert.equal(await codeOf(stageDirectory(path.join(dir, "none/out"))), "NOT_FOUND unchanged");
    const staged = await stageDirectory(path.join(dir, "x/y/out/"), { parents: true });
    await staged.commit();
    assert.deepEqual(fs.readdirSync(path.join(dir, "x/y/out")), []);
  });

  it("follows a link, or refuses it if it is told to", { skip: needsPosix }, async (t) => {
    const dir = tempDir(t);
    fs.mkdirSync(path.join(dir, "real"));
    fs.symlinkSync("real", path.join(dir, "link"));
    assert.equal(await codeOf(stageDirectory(path.join(dir, "link"), { symlink: "refuse" })), "SYMLINK unchanged");
    await publish(path.join(dir, "link"), { a: "1" });
    assert.deepEqual([treeOf(path.join(dir, "real")), fs.lstatSync(path.join(dir, "link")).isSymbolicLink()], [{ a: "1" }, true]);
  });

  it("refuses unknown options, names that lead outside, and what is no content", async (t) => {
    const out = path.join(tempDir(t), "out");
    await assert.rejects(stageDirectory(out, { overwrite: true } as object), TypeError);
    await using staged = await stageDirectory(out);
    for (const name of ["", "/a", "a/", "../a", "a/../b", ".", 7 as unknown as string])
      assert.throws(() => staged.writeFile(name, ""), TypeError, String(name));
    assert.throws(() => staged.writeFile("a", 7 as unknown as string), TypeError);
    assert.throws(() => staged.writeFile("a", "", { mode: 0o10000 }), RangeError);
    await staged.writeFile("..a/..b", "fine");
    assert.equal(await codeOf(staged.writeFile("..a/..b", "again")), "EXISTS unchanged");
  });

  it("is closed once it is committed or discarded; to discard it then does nothing", async (t) => {
    const out = path.join(tempDir(t), "out");
    const staged = await stageDirectory(out);
    await staged.commit();
    await staged.discard();
    assert.equal(await codeOf(staged.commit()), "CLOSED unchanged");
    assert.equal(await codeOf(staged.writeFile("a", "")), "CLOSED unchanged");
    const other = await stageDirectory(out);
    const both = [other.discard(), other.discard()];
    await Promise.all(both);
    assert.equal(await codeOf(other.commit()), "CLOSED unchanged");
    assert.deepEqual(
      leftovers(path.dirname(out)).filter((name) => !name.startsWith(".holdfast-journal.lock")),
      [],
    );
  });

  it("is removed at the end of its scope", async (t) => {
    const dir = tempDir(t);
    {
      await using staged = await stageDirectory(path.join(dir, "out"));
      void staged.writeFile("a", "1");
    }
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  it("keeps mode and owner of the old directory, and gives the mode that is asked for", { skip: needsPosix }, async (t) => {
    const out = path.join(tempDir(t), "out");
    fs.mkdirSync(out);
    fs.chmodSync(out, 0o2710);
    if (process.getuid?.() === 0) fs.chownSync(out, 12345, 23456);
    const { mode, uid, gid } = fs.statSync(out);
    await publish(out, { a: "1" });
    const now = fs.statSync(out);
    assert.deepEqual([now.mode, now.uid, now.gid], [mode, uid, gid]);
    await (await stageDirectory(out, { replace: true, mode: 0o751 })).commit();
    assert.equal(fs.statSync(out).mode & 0o7777, 0o751);
    const fresh = path.join(path.dirname(out), "fresh");
    await publish(fresh, { a: "1" });
    assert.equal(fs.statSync(fresh).mode & 0o7777, 0o777 & ~process.umask());
  });

  it("removes old directories that were write-protected", { skip: needsPosix }, async (t) => {
    const out = filled(path.join(tempDir(t), "out"), { "locked/a": "1" });
    fs.chmodSync(path.join(out, "locked"), 0o555);
    await publish(out, { b: "2" });
    assert.deepEqual(treeOf(out), { b: "2" });
    assert.deepEqual(leftovers(path.dirname(out)), []);
  });

  it("holds links and special files; only files are synced", { skip: needsPosix }, async (t) => {
    const out = path.join(tempDir(t), "out");
    const staged = await stageDirectory(out);
    fs.symlinkSync("nowhere", path.join(staged.path, "link"));
    fs.mkdirSync(path.join(staged.path, "empty"));
    fs.linkSync(path.join(filled(staged.path, { a: "1" }), "a"), path.join(staged.path, "b"));
    const { fileCount } = await staged.commit();
    assert.deepEqual(fs.readdirSync(out).sort(), ["a", "b", "empty", "link"]);
    assert.equal(fs.readlinkSync(path.join(out, "link")), "nowhere");
    assert.equal(fileCount, 3);
  });

  it("leaves what a reader has open as it was", { skip: needsPosix }, async (t) => {
    const out = filled(path.join(tempDir(t), "out"), { a: "old" });
    const open = fs.openSync(path.join(out, "a"), "r");
    await publish(out, { a: "new" });
    assert.equal(fs.readFileSync(open, "utf8"), "old");
    fs.closeSync(open);
    assert.deepEqual(treeOf(out), { a: "new" });
  });

  it("the last of several commits to one target wins, whatever they are called", async (t) => {
    const dir = tempDir(t);
    if (!needsPosix) fs.symlinkSync(".", path.join(dir, "here"));
    const all: StagedDirectory[] = [];
    for (let index = 0; index < 6; index++) {
      const staged = await stageDirectory(path.join(dir, index % 2 && !needsPosix ? "here" : ".", "out"), { replace: true });
      void staged.writeFile("n", String(index));
      all.push(staged);
    }
    await Promise.all(all.map((staged) => staged.commit()));
    assert.deepEqual(treeOf(path.join(dir, "out")), { n: "5" });
    assert.deepEqual(
      leftovers(dir).filter((name) => !name.startsWith(".holdfast-journal.lock")),
      [],
    );
    await allClosed(dir);
  });

  it("can be aborted up to the commit", async (t) => {
    const out = filled(path.join(tempDir(t), "out"), { a: "old" });
    const controller = new AbortController();
    const staged = await stageDirectory(out, { replace: true, signal: controller.signal });
    await staged.writeFile("a", "new");
    controller.abort();
    assert.equal(await codeOf(staged.commit()), "ABORTED unchanged");
    assert.deepEqual(treeOf(out), { a: "old" });
    assert.deepEqual(leftovers(path.dirname(out)), []);
    assert.equal(await codeOf(stageDirectory(out, { replace: true, signal: controller.signal })), "ABORTED unchanged");
  });
});
