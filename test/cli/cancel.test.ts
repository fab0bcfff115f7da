import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { needsPosix } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { assertForPeople, jsonLine, start } from "./command.ts";

/** Resolves when a staged file has come to be in `dir`. */
async function staged(dir: string, begin: () => void): Promise<void> {
  const watcher = fs.watch(dir);
  try {
    const changed = once(watcher, "change");
    begin();
    await changed;
    while (leftovers(dir).length === 0) await once(watcher, "change");
  } finally {
    watcher.close();
  }
}

describe("cancelled by SIGINT", { skip: needsPosix }, () => {
  for (const json of [false, true]) {
    it(`write${json ? " --json" : ""}: exit code 130, the old file is intact, nothing is left`, async (t) => {
      const dir = tempDir(t);
      const file = path.join(dir, "a");
      fs.writeFileSync(file, "old");
      const running = start(["write", ...(json ? ["--json"] : []), file]);
      await staged(dir, () => running.child.stdin?.write("new, but not all of it"));
      running.child.kill("SIGINT");
      const ended = await running.ended; // its standard input is still open
      assert.deepEqual([ended.code, ended.signal], [130, null]);
      assert.equal(ended.stdout, "");
      if (json) assert.equal(jsonLine(ended.stderr)["code"], "ABORTED");
      else assert.equal(ended.stderr, "holdfast: cancelled\n");
      assertForPeople(ended);
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      assert.deepEqual(fs.readdirSync(dir), ["a"]);
    });
  }

  it("demo: exit code 130, its directory is removed", async (t) => {
    const dir = tempDir(t);
    const input = tempDir(t);
    fs.writeFileSync(path.join(input, "a"), "a real file");
    const running = start(["demo", "--seconds", "3600", input], { env: { ...process.env, TMPDIR: dir } });
    await running.printed("Kill storm");
    running.child.kill("SIGINT");
    const ended = await running.ended;
    assert.deepEqual([ended.code, ended.signal], [130, null]);
    assertForPeople(ended);
    assert.deepEqual(fs.readdirSync(dir), []);
  });
});
