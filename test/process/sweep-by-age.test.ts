/** Without fs-native-extensions nothing proves that a writer is dead but age: 24 hours, and the library says so. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type Body, inChild } from "../support/child.ts";
import { needsPosix } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const HOUR_S = 3600;
const nameOf = (letter: string): string => `.holdfast-stage-${letter.repeat(26)}`;

/** Arguments for a Node in which `require("fs-native-extensions")` does `what`. */
function nodeWhere(t: TestContext, what: string): string[] {
  const hook = path.join(tempDir(t), "hook.cjs");
  fs.writeFileSync(
    hook,
    `const Module = require("node:module");
     const load = Module._load;
     Module._load = (name, ...rest) => { if (name !== "fs-native-extensions") return load(name, ...rest); ${what} };`,
  );
  return ["--require", hook];
}

const MISSING = 'throw Object.assign(new Error("Cannot find module"), { code: "MODULE_NOT_FOUND" });';

const look: Body<string, { sweep: string; notices: string[]; causes: string[]; content: string; durability: string }> = async (
  { hf, fs, path },
  dir,
) => {
  const { subscribe } = process.getBuiltinModule("node:diagnostics_channel");
  const notices: string[] = [];
  const causes: string[] = [];
  subscribe("holdfast:notice", (message) => {
    const { type, cause } = message as { type: string; cause?: Error };
    notices.push(type);
    if (cause) causes.push(cause.message);
  });
  const file = path.join(dir, "file");
  const { durability } = await hf.writeFile(file, "new");
  hf.writeFileSync(file, "newer");
  const { sweep } = await hf.capabilities(dir);
  return { sweep, notices, causes, content: fs.readFileSync(file, "utf8"), durability };
};

/** A directory with leftovers of 1, 23 and 25 hours. */
function withLeftovers(t: TestContext): string {
  const dir = tempDir(t);
  for (const [letter, hours] of [
    ["a", 1],
    ["b", 23],
    ["c", 25],
  ] as const) {
    const at = path.join(dir, nameOf(letter));
    fs.writeFileSync(at, "left");
    const then = Date.now() / 1000 - hours * HOUR_S;
    fs.utimesSync(at, then, then);
  }
  return dir;
}

describe("without the native lock", { skip: needsPosix }, () => {
  test("writes work all the same, only what is older than 24 hours is swept, and this is said", async (t) => {
    const dir = withLeftovers(t);
    const { sweep, notices, causes, content } = await inChild(look, dir, { nodeArgs: nodeWhere(t, MISSING) });
    assert.deepEqual({ sweep, notices, content }, { sweep: "age", notices: ["no-native-lock", "swept"], content: "newer" });
    assert.deepEqual(causes, ["Cannot find module"]);
    assert.deepEqual(leftovers(dir), [nameOf("a"), nameOf("b")]);
  });

  test("negative control: with it, all of them are swept, as nobody holds them", async (t) => {
    const dir = withLeftovers(t);
    const { sweep, notices } = await inChild(look, dir);
    if (sweep === "age") return t.skip("needs fs-native-extensions");
    assert.deepEqual({ sweep, notices }, { sweep: "lock", notices: ["swept"] });
    assert.deepEqual(leftovers(dir), []);
  });

  // Two bundles of the package wrote to one directory, one of which could not load the native lock: the other took its
  // staged file, which had no lock, for a dead writer's, and its rename found nothing.
  test("a live writer that has no lock is safe from sweepers that have", async (t) => {
    const dir = tempDir(t);
    const stage: Body<string, string[]> = async ({ hf, fs, path }, at) => {
      const staged = await hf.stageFile(path.join(at, "file"));
      await staged.write("whole");
      const names = fs.readdirSync(at);
      const { execFileSync } = process.getBuiltinModule("node:child_process");
      const sweep = `import("holdfast").then(({ writeFile }) => writeFile(${JSON.stringify(path.join(at, "other"))}, "x"))`;
      execFileSync(process.execPath, ["-e", sweep], { stdio: "inherit" }); // a process that has locks
      await staged.commit();
      return names;
    };
    const [name = ""] = await inChild(stage, dir, { nodeArgs: nodeWhere(t, MISSING) });
    assert.match(name, /^\.holdfast-stage-unlocked-[0-9a-hjkmnp-tv-z]{26}$/);
    assert.equal(fs.readFileSync(path.join(dir, "file"), "utf8"), "whole");
    assert.deepEqual(leftovers(dir), []);
  });

  test("what it left is swept by a process that has locks, too, once it is old enough", async (t) => {
    const dir = tempDir(t);
    for (const [letter, hours] of [
      ["a", 23],
      ["b", 25],
    ] as const) {
      const at = path.join(dir, `.holdfast-stage-unlocked-${letter.repeat(26)}`);
      fs.writeFileSync(at, "left");
      const then = Date.now() / 1000 - hours * HOUR_S;
      fs.utimesSync(at, then, then);
    }
    await inChild(look, dir);
    assert.deepEqual(leftovers(dir), [`.holdfast-stage-unlocked-${"a".repeat(26)}`]);
  });

  test("a file system without locks is written to all the same, and nothing is swept from it", async (t) => {
    // ENOLCK has no name in libuv, so this was an IO error of every write.
    for (const error of ['{ code: "Unknown system error -37" }', '{ code: "ENOTSUP" }', '{ code: "ENOSYS" }']) {
      const dir = withLeftovers(t);
      const nodeArgs = nodeWhere(t, `return { tryLock() { throw Object.assign(new Error("no locks"), ${error}); } };`);
      const { content } = await inChild(look, dir, { nodeArgs });
      assert.equal(content, "newer");
      assert.equal(leftovers(dir).length, 3);
    }
  });

  test("a lock that fails for another reason is an error, and nothing is left", async (t) => {
    const dir = tempDir(t);
    const nodeArgs = nodeWhere(t, 'return { tryLock() { throw Object.assign(new Error("broken"), { code: "EIO" }); } };');
    const { failed } = await inChild(({ hf, settle }, file) => settle(() => hf.writeFile(file, "new")), path.join(dir, "file"), {
      nodeArgs,
    });
    assert.deepEqual([failed?.code, failed?.outcome], ["IO", "unchanged"]);
    assert.deepEqual(fs.readdirSync(dir), []);
  });
});
