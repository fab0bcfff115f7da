import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { structuredCloneCodec } from "holdfast/checkpoint";
import { generationPath, inRun, savedUpTo } from "../support/checkpoints.ts";
import { names, tempDir } from "../support/temp-dir.ts";
import { assertForPeople, holdfast, jsonLine, start } from "./command.ts";

describe("holdfast checkpoint", { concurrency: 3 }, () => {
  it("show: how far it is and the state; 1 where there is none; 3 and words where the newest is damaged", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 3, { fingerprint: { model: "m" }, version: 7 });
    const shown = await holdfast(["checkpoint", "show", dir]);
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /^generation +3\n.*^progress +3 of 1,000\n.*^running +no\n^state +\{"count":3\}$/ms);
    fs.writeFileSync(generationPath(dir, 3), "{");
    const degraded = await holdfast(["checkpoint", "show", dir]);
    assert.equal(degraded.code, 3);
    assert.match(degraded.stderr, /DEGRADED: 1 newer generation is damaged/);
    assertForPeople(degraded);
    const { status, state, damaged } = jsonLine((await holdfast(["checkpoint", "show", "--json", dir])).stdout);
    assert.deepEqual([status, state, (damaged as unknown[]).length], ["degraded", { count: 2 }, 1]);
    for (const generation of [1, 2]) fs.writeFileSync(generationPath(dir, generation), "");
    const corrupt = await holdfast(["checkpoint", "show", dir]);
    assert.equal(corrupt.code, 3);
    assert.match(corrupt.stderr, /no generation of the checkpoint can be used \(generation 3: .*generation 1: it is empty\)/);
    const absent = await holdfast(["checkpoint", "show", path.join(dir, "no")]);
    assert.deepEqual([absent.code, absent.stdout], [1, ""]);
    assert.match(absent.stderr, /there is no saved state/);
  });

  it("verify and history: a table; 3 for damage", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 3);
    const good = await holdfast(["checkpoint", "verify", dir]);
    assert.equal(good.code, 0);
    assert.match(good.stdout, /^ +3 {2}good +- +\S+Z +3 of 1,000 +\d+ B$/m);
    fs.truncateSync(generationPath(dir, 2), 40);
    const bad = await holdfast(["checkpoint", "verify", dir]);
    assert.equal(bad.code, 3);
    assert.match(bad.stdout, /^ +2 {2}its end is missing or damaged/m);
    const { generations } = jsonLine((await holdfast(["checkpoint", "history", "--json", dir])).stdout);
    assert.deepEqual(
      (generations as { state: string }[]).map(({ state }) => state),
      ["unverified", "damaged", "unverified"],
    );
  });

  it("rollback and clear: refused with 11 while a run has it, and nothing is made where nothing is", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 3);
    await inRun(dir, async () => {
      const refused = await holdfast(["checkpoint", "rollback", dir]);
      assert.equal(refused.code, 11);
      assert.match(refused.stderr, new RegExp(`process ${process.pid} on `));
      assert.match((await holdfast(["checkpoint", "show", dir])).stdout, new RegExp(`^running +process ${process.pid} on `, "m"));
    });
    const back = await holdfast(["checkpoint", "rollback", dir, "--to", "1"]);
    assert.equal(back.code, 0);
    assert.match(back.stdout, /^generation 4 is a copy of generation 1/);
    fs.writeFileSync(generationPath(dir, 4), "damage");
    assert.equal((await holdfast(["checkpoint", "clear", dir])).code, 0);
    assert.deepEqual(names(dir), ["checkpoint.lock", "damaged-000000000004", "generation-000000000005"]);
    const missing = path.join(dir, "missing");
    assert.equal((await holdfast(["checkpoint", "clear", missing])).code, 1);
    assert.ok(!fs.existsSync(missing));
  });

  it("show --watch: a bar until the run ends, then the state; a state that is no JSON is not shown", async (t) => {
    const dir = tempDir(t);
    const watching = await inRun<ReturnType<typeof start>, unknown>(
      dir,
      async (checkpoint) => {
        await checkpoint.save(new Map(), { progress: { done: 50, total: 100 } });
        const started = start(["checkpoint", "show", "--watch", dir]);
        while (!started.output.stderr.includes("50%")) await new Promise((resolve) => setTimeout(resolve, 20));
        return started;
      },
      { codec: structuredCloneCodec() },
    );
    const { code, stdout } = await watching.ended;
    assert.equal(code, 0);
    assert.match(stdout, /^state +of codec v8, which is not shown$/m);
  });

  it("doctor finds it: whole, of a run, damaged; and moves aside what is damaged", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(path.join(dir, "job"), 3);
    await inRun(path.join(dir, "job"), async () => {
      assert.match(
        (await holdfast(["doctor", dir])).stdout,
        /^live +checkpoint +\d+ B .*job\n +a run has it; generation 3 is whole$/m,
      );
    });
    fs.writeFileSync(generationPath(path.join(dir, "job"), 3), "damage");
    const found = await holdfast(["doctor", dir]);
    assert.equal(found.code, 3);
    assert.match(
      found.stdout,
      /generation 3 is damaged .*; the next run goes on from generation 2; --repair moves it to quarantine/,
    );
    assert.equal((await holdfast(["doctor", "--repair", dir])).code, 4);
    const after = await holdfast(["doctor", dir]);
    assert.equal(after.code, 0);
    assert.match(after.stdout, /^quarantined +checkpoint generation/m);
  });
});
