import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { openLog } from "holdfast/log";
import { bytesOf } from "../support/logs.ts";
import { needsLinux } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";
import { assertForPeople, holdfast, jsonLine, ROOT, start } from "./command.ts";

const golden = (name: string): string => path.join(ROOT, "test/fixtures/log-1", name);

describe("holdfast log", { concurrency: 3, skip: needsLinux }, () => {
  it("cat prints the records, from a position, with any separator, or as JSON", async () => {
    const plain = await holdfast(["log", "cat", golden("truncated")]);
    assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, "record 5\nrecord 6\nrecord 7\n", ""]);
    assert.equal((await holdfast(["log", "cat", "--from", "7", "--null", golden("truncated")])).stdout, "record 7\0");
    assert.equal((await holdfast(["log", "cat", "-s", ", ", golden("truncated")])).stdout, "record 5, record 6, record 7, ");
    const { stdout } = await holdfast(["log", "cat", "--json", "--from", "2", golden("clean")]);
    assert.deepEqual(stdout.trimEnd().split("\n").map(jsonLine), [
      { position: 2, utf8: "record 2" },
      { position: 3, base64: "AP8KAA==" },
      { position: 4, utf8: "record 4" },
    ]);
  });

  it("cat --follow prints what comes, until it is interrupted", async (t) => {
    const dir = tempDir(t);
    await using log = await openLog(dir);
    await log.append(bytesOf("one"));
    const { child, ended, printed } = start(["log", "cat", "--follow", dir]);
    await printed("one\n");
    await log.append(bytesOf("two"));
    await printed("two\n");
    child.kill("SIGINT");
    assert.equal((await ended).code, 130);
  });

  it("verify says that all is whole, or where it is not, with exit code 3; cat prints what is before that", async () => {
    const whole = await holdfast(["log", "verify", golden("segments")]);
    assert.equal(whole.code, 0);
    assert.match(whole.stdout, /: 8 records in 4\d\d B, no damage\n$/);
    const found = jsonLine((await holdfast(["log", "verify", "--json", golden("segments")])).stdout);
    assert.deepEqual([found["type"], found["recordCount"]], ["log_verified", 8]);
    for (const command of ["verify", "cat"]) {
      const { code, stdout, stderr } = await holdfast(["log", command, golden("damaged")]);
      assert.equal(code, 3);
      assert.match(stderr, /^holdfast: the log is damaged: .*at byte 220.*record 3/);
      assert.equal(stdout, command === "cat" ? "record 0\nrecord 1\nrecord 2\n" : "");
    }
  });

  it("stat shows segments, positions, sizes and the snapshot", async () => {
    const people = await holdfast(["log", "stat", golden("snapshot")]);
    assert.equal(people.code, 0);
    assert.match(people.stdout, /^segment-000000000003 +4 +6 +201 B +200 B$/m);
    assert.match(people.stdout, /^3 records, positions 5 to 7; the next is 8\nsnapshot at position 5, 22 B$/m);
    assertForPeople(people);
    const { type, first, next, snapshot } = jsonLine((await holdfast(["log", "stat", "--json", golden("snapshot")])).stdout);
    assert.deepEqual([type, first, next, snapshot], ["log_stat", 5, 8, { position: 5, sizeBytes: 22 }]);
  });

  it("fails with 1 where there is no log, with 2 for wrong usage; help has examples", async (t) => {
    assert.equal((await holdfast(["log", "cat", path.join(tempDir(t), "none")])).code, 1);
    assert.equal((await holdfast(["log", "stat", tempDir(t)])).code, 1);
    assert.equal((await holdfast(["log", "cat", "--from", "-1", golden("clean")])).code, 2);
    assert.equal((await holdfast(["log", "eat", golden("clean")])).code, 2);
    assert.match((await holdfast(["log", "--help"])).stdout, /Examples:/);
  });

  it("and the doctor finds it, whole, left by a dead owner, or without one to be mended", async (t) => {
    const dir = tempDir(t);
    for (const name of ["clean", "dead-owner", "damaged"]) fs.cpSync(golden(name), path.join(dir, name), { recursive: true });
    fs.writeFileSync(path.join(dir, "log.lock"), ""); // anybody may call a lock so
    const harmed = await holdfast(["doctor", dir]);
    assert.equal(harmed.code, 3);
    assert.match(harmed.stdout, /^damaged +log +\d+ B +- +\S*damaged\n +damaged from record 3 on, at byte 220 of segment/m);
    fs.rmSync(path.join(dir, "damaged"), { recursive: true });
    const before = await holdfast(["doctor", dir]);
    assert.equal(before.code, 3);
    assert.match(before.stdout, /^idle +log +\d+ B +- +\S*clean$/m);
    assert.match(before.stdout, /^dead +log +\d+ B +- +\S*dead-owner$/m);
    assert.equal((await holdfast(["doctor", "--repair", dir])).code, 4);
    const after = await holdfast(["doctor", dir]);
    assert.equal(after.code, 0);
    assert.match(after.stdout, /^idle +log +\d+ B +- +\S*dead-owner$/m);
    assert.equal((await holdfast(["log", "cat", "--from", "4", path.join(dir, "dead-owner")])).stdout, "record 4\n");
  });
});
