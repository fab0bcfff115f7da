import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { interruptCommit, startHolder } from "../doctor/remains.ts";
import { needs, needsLinux, needsRoot } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { assertForPeople, holdfast, jsonLine, ROOT } from "./command.ts";

const STAGE = `.holdfast-stage-${"0".repeat(26)}`;

describe("holdfast doctor", { concurrency: 3, skip: needsLinux }, () => {
  it("exit code 0 where there is nothing, and where everything is alive; 1 for what is no directory; 2 without one", async (t) => {
    const dir = tempDir(t);
    const nothing = await holdfast(["doctor", "."], "", { cwd: dir });
    assert.deepEqual([nothing.code, nothing.stdout, nothing.stderr], [0, "nothing of Holdfast in 1 directory of .\n", ""]);
    const { process: owner } = await startHolder(t, dir);
    const alive = await holdfast(["doctor", ".", "--repair"], "", { cwd: dir });
    assert.equal(alive.code, 0);
    assert.match(alive.stdout, new RegExp(`^live +staged directory +7 B +${owner.pid} on \\S+ +sub/\\.holdfast-dir-`, "m"));
    assert.match(alive.stdout, /nothing to repair\n$/);
    assertForPeople(alive);
    const missing = await holdfast(["doctor", "missing"], "", { cwd: dir });
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^holdfast: there is no such file or directory/);
    assert.equal((await holdfast(["doctor"])).code, 2);
  });

  it("3 where a log is damaged, which is left as it is", async (t) => {
    const dir = tempDir(t);
    fs.cpSync(path.join(ROOT, "test/fixtures/log-1/damaged"), path.join(dir, "events"), { recursive: true });
    const found = await holdfast(["doctor", ".", "--repair"], "", { cwd: dir });
    assert.equal(found.code, 3);
    assert.match(
      found.stdout,
      /^damaged +log .*events\n.*from record 3 on, at byte 220 of segment-000000000001: holdfast log cat/m,
    );
    assertForPeople(found);
  });

  it("3 where something is dead, 4 when it was repaired, then 0", async (t) => {
    const dir = tempDir(t);
    await (await startHolder(t, dir)).kill();
    fs.mkdirSync(path.join(dir, "other"));
    await interruptCommit(path.join(dir, "other"), "two-step");
    const found = await holdfast(["doctor", dir]);
    assert.equal(found.code, 3);
    assert.match(
      found.stdout,
      /^dead +interrupted commit .*\n +its owner has died in the commit of site.*; --repair finishes it$/m,
    );
    assert.match(found.stdout, /holdfast doctor --repair \S+ repairs 4 of them\n$/);
    assertForPeople(found);
    const repaired = await holdfast(["doctor", "--repair", dir]);
    assert.equal(repaired.code, 4);
    assert.match(repaired.stdout, /^4 repaired$/m);
    assert.equal(fs.readFileSync(path.join(dir, "other/site/a"), "utf8"), "new");
    assert.equal((await holdfast(["doctor", dir])).code, 0);
  });

  it("--json: one object for each thing, then the numbers", async (t) => {
    const dir = tempDir(t);
    fs.writeFileSync(path.join(dir, STAGE), "12345");
    const { code, stdout, stderr } = await holdfast(["doctor", "--json", dir]);
    const [finding = "", summary = "", ...more] = stdout.trimEnd().split("\n");
    assert.deepEqual([code, stderr, more], [3, "", []]);
    const { type, path: at, kind, state, sizeBytes, repair } = jsonLine(finding);
    assert.deepEqual(
      [type, at, kind, state, sizeBytes, repair],
      ["finding", path.join(dir, STAGE), "staged-file", "dead", 5, "removed"],
    );
    assert.equal(jsonLine(summary)["repairableCount"], 1);
    const failed = await holdfast(["doctor", "--json", path.join(dir, STAGE)]);
    assert.deepEqual([failed.code, jsonLine(failed.stderr)["code"]], [1, "NOT_A_DIRECTORY"]);
  });

  it("1 if a repair is refused, saying why; the rest is repaired", { skip: needs(needsLinux, needsRoot) }, async (t) => {
    const dir = tempDir(t);
    for (const name of ["a", "b"]) fs.mkdirSync(path.join(dir, name));
    for (const name of ["a", "b"]) fs.writeFileSync(path.join(dir, name, STAGE), "");
    for (const at of ["", "b", `a/${STAGE}`, `b/${STAGE}`]) fs.chownSync(path.join(dir, at), 12345, 12345); // not a
    const { code, stdout } = await holdfast(["doctor", "--repair", dir], "", { uid: 12345, gid: 12345, cwd: "/" });
    assert.equal(code, 1);
    assert.match(stdout, /it could not be repaired: the operating system refused access/);
    assert.match(stdout, /^1 repaired\n1 could not be looked at, or not be repaired$/m);
    assert.deepEqual([leftovers(path.join(dir, "a")), leftovers(path.join(dir, "b"))], [[STAGE], []]);
  });
});
