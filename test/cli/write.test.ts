import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { describe, it, type TestContext } from "node:test";
import { needsPosix } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { assertForPeople, type Ended, holdfast, jsonLine, MAIN } from "./command.ts";

const inDir = (
  t: TestContext,
): { dir: string; write: (args: readonly string[], input?: string | Uint8Array) => Promise<Ended> } => {
  const dir = tempDir(t);
  return { dir, write: (args, input) => holdfast(["write", ...args], input, { cwd: dir }) };
};

describe("holdfast write", { concurrency: 3 }, () => {
  it("says in one line what it wrote", async (t) => {
    const { dir, write } = inDir(t);
    const { code, stdout, stderr } = await write(["--durability", "atomic", "a.txt"], "x".repeat(1234));
    assert.equal(code, 0);
    assert.match(stdout, /^wrote 1,234 bytes to a\.txt \((atomic|volatile)\)\n$/);
    assert.equal(stderr, "");
    assert.equal(fs.readFileSync(path.join(dir, "a.txt"), "utf8").length, 1234);
  });

  it("--json: one object", async (t) => {
    const { write } = inDir(t);
    const { code, stdout, stderr } = await write(["--json", "--durability", "volatile", "a.txt"], "abc");
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.deepEqual(jsonLine(stdout), {
      type: "written",
      path: "a.txt",
      sizeBytes: 3,
      durability: "volatile",
      notKept: [],
      superseded: false,
    });
  });

  it("takes any bytes, many of them, none at all", async (t) => {
    const { dir, write } = inDir(t);
    for (const bytes of [randomBytes(5_000_000), Buffer.alloc(4096), Buffer.alloc(0)]) {
      assert.equal((await write(["a.bin"], bytes)).code, 0);
      assert.ok(fs.readFileSync(path.join(dir, "a.bin")).equals(bytes));
    }
    assert.deepEqual(leftovers(dir), []);
  });

  it("--mode sets permission bits, which are kept later", { skip: needsPosix }, async (t) => {
    const { dir, write } = inDir(t);
    const mode = (): number => fs.statSync(path.join(dir, "a")).mode & 0o7777;
    await write(["--mode", "600", "a"], "1");
    assert.equal(mode(), 0o600);
    await write(["a"], "2");
    assert.equal(mode(), 0o600);
  });

  it("--parents makes directories; without it a missing one is exit code 1", async (t) => {
    const { dir, write } = inDir(t);
    const missing = await write(["x/y/a"], "1");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^holdfast: the directory does not exist/);
    assertForPeople(missing);
    assert.equal((await write(["--parents", "x/y/a"], "1")).code, 0);
    assert.equal(fs.readFileSync(path.join(dir, "x/y/a"), "utf8"), "1");
  });

  it("--if-absent leaves what is there", async (t) => {
    const { dir, write } = inDir(t);
    assert.equal((await write(["--if-absent", "a"], "first")).code, 0);
    const second = await write(["--if-absent", "--json", "a"], "second");
    assert.equal(second.code, 1);
    const { type, code, outcome, path: at } = jsonLine(second.stderr);
    assert.deepEqual([type, code, outcome], ["exit_error", "EXISTS", "unchanged"]);
    assert.equal(at, path.join(dir, "a"));
    assert.equal(fs.readFileSync(path.join(dir, "a"), "utf8"), "first");
  });

  it("--symlink refuse, follow, replace", { skip: needsPosix }, async (t) => {
    const { dir, write } = inDir(t);
    const [link, target] = [path.join(dir, "link"), path.join(dir, "target")];
    fs.writeFileSync(target, "old");
    fs.symlinkSync("target", link);
    const refused = await write(["--symlink", "refuse", "--json", "link"], "new");
    assert.equal(refused.code, 1);
    assert.equal(jsonLine(refused.stderr)["code"], "SYMLINK");
    assert.equal(fs.readFileSync(target, "utf8"), "old");
    assert.equal((await write(["link"], "followed")).code, 0);
    assert.equal(fs.readFileSync(target, "utf8"), "followed");
    assert.equal((await write(["--symlink", "replace", "link"], "replaced")).code, 0);
    assert.ok(fs.lstatSync(link).isFile());
    assert.equal(fs.readFileSync(target, "utf8"), "followed");
  });

  it("a directory is no file", async (t) => {
    const { dir, write } = inDir(t);
    fs.mkdirSync(path.join(dir, "d"));
    for (const name of ["d", "d/"]) {
      const ended = await write([name, "--json"], "1");
      assert.equal(ended.code, 1);
      assert.equal(jsonLine(ended.stderr)["code"], "NOT_A_FILE");
    }
  });

  it("an input that can't be read leaves the old file", { skip: needsPosix }, async (t) => {
    const { dir } = inDir(t);
    const file = path.join(dir, "a");
    fs.writeFileSync(file, "old");
    const fd = fs.openSync(dir, "r"); // process.stdin would be empty, as if all were well
    t.after(() => fs.closeSync(fd));
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "write", "--json", file], {
      stdio: [fd, "pipe", "pipe"],
      encoding: "utf8",
    });
    assert.deepEqual([status, stdout], [1, ""]);
    const { code, outcome, message } = jsonLine(stderr);
    assert.deepEqual([code, outcome], ["SOURCE_FAILED", "unchanged"]);
    assert.match(String(message), /EISDIR/);
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(leftovers(dir), []);
  });

  it("a disk that is full leaves the old file", { skip: needsPosix }, async (t) => {
    const { dir } = inDir(t);
    const file = path.join(dir, "a");
    fs.writeFileSync(file, "old");
    const limited = ["-c", 'ulimit -f 100; exec "$@"', "sh", process.execPath, MAIN, "write", file];
    const { status, stderr } = spawnSync("sh", limited, { input: Buffer.alloc(1_000_000), encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /^holdfast: no space is left/);
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(leftovers(dir), []);
  });
});
