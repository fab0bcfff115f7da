/**
 * No two staged files ever ask for one name. Two containers with process 1 on one volume ask write-file-atomic for the same
 * name and publish mixed content; worker threads do with fast-write-atomic.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { stageFile, writeFile } from "holdfast";
import { type Body, type Child, startChild } from "../support/child.ts";
import { withMachine, wrapped } from "../support/machines.ts";
import { needsPidNamespaces, needsPosix } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

/** docs/format/names.md: 26 letters of Crockford's base 32, lower case. */
const GRAMMAR = /^\.holdfast-stage-([0-9a-hjkmnp-tv-z]{26})$/;
const idIn = (name: string): string => GRAMMAR.exec(name)?.[1] ?? assert.fail(name);
const COUNT = 50;

interface Asked {
  readonly pid: number;
  readonly names: readonly string[];
}

/** Stages files, says under which names, and keeps them until it is told to go. */
const stageAndWait: Body<{ dir: string; count: number }, Asked> = async ({ hf, path, machines, say, heard }, { dir, count }) => {
  const names: string[] = [];
  const machine = machines.wrapped((call, proceed) => {
    if (call.op === "open" && call.args[1] === "create") names.push(path.basename(call.args[0]));
    return proceed();
  });
  const staged = await machines.withMachine(machine, async () => {
    const all = [];
    for (let index = 0; index < count; index++) all.push(await hf.stageFile(path.join(dir, `target-${index}`)));
    return all;
  });
  say("staged");
  await heard();
  for (const one of staged) await one.discard();
  return { pid: process.pid, names };
};

async function together(t: TestContext, dir: string, wraps: readonly (readonly string[])[]): Promise<Asked[]> {
  const children: Child<Asked>[] = wraps.map((wrap) => startChild(stageAndWait, { dir, count: COUNT }, { wrap }));
  t.after(() => Promise.all(children.map((child) => child.kill())));
  for (const child of children) assert.equal(await child.next(), "staged");
  assert.equal(leftovers(dir).length, COUNT * wraps.length, "all are there at once");
  for (const child of children) child.tell("go");
  const all = await Promise.all(children.map(({ result }) => result));
  assert.deepEqual(fs.readdirSync(dir), []);
  return all;
}

function neverTheSame(lists: readonly (readonly string[])[]): void {
  const names = lists.flat();
  assert.equal(new Set(names).size, names.length, "a name was asked for twice");
  for (const name of names) assert.match(name, GRAMMAR);
}

describe("the names of staged files", () => {
  test("differ in two containers that both are process 1", { skip: needsPidNamespaces }, async (t) => {
    const container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const all = await together(t, tempDir(t), [container, container]);
    assert.deepEqual(
      all.map(({ pid }) => pid),
      [1, 1],
    );
    for (const { names } of all) assert.equal(names.length, COUNT, "the first name was free each time");
    neverTheSame(all.map(({ names }) => names));
  });

  test("differ between processes, and none tells the process id", async (t) => {
    const all = await together(t, tempDir(t), [[], [], []]);
    neverTheSame(all.map(({ names }) => names));
    for (const { pid, names } of all) {
      // Of the id alone: "holdfast" itself has 3578, in base 16. One digit is in most ids by chance.
      const told = [10, 16, 32].map((base) => pid.toString(base)).filter((digits) => digits.length > 1);
      const telling = names.filter((name) => told.some((digits) => idIn(name).includes(digits)));
      assert.ok(telling.length < names.length / 4, `${telling.length} of ${names.length} contain ${pid}`);
    }
  });

  test("differ between worker threads of one process", async (t) => {
    const dir = tempDir(t);
    const workers = Array.from(
      { length: 4 },
      () => new Worker(new URL("../support/stage-many.js", import.meta.url), { workerData: { dir, count: COUNT } }),
    );
    t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
    const lists = await Promise.all(workers.map(async (worker) => (await once(worker, "message"))[0] as string[]));
    assert.equal(leftovers(dir).length, COUNT * workers.length);
    neverTheSame(lists);
    const exits = workers.map((worker) => once(worker, "exit"));
    for (const worker of workers) worker.postMessage("go");
    await Promise.all(exits);
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  test("do not contain the target's, so that a name of 255 bytes can be staged", async (t) => {
    const dir = tempDir(t);
    const name = "n".repeat(255);
    const staged = await stageFile(path.join(dir, name));
    const [found = ""] = leftovers(dir);
    assert.match(found, GRAMMAR);
    await staged.commit();
    assert.deepEqual(fs.readdirSync(dir), [name]);
  });

  test("are taken only if they are free: whatever has the name stays, and a link there is not followed", async (t) => {
    const dir = tempDir(t);
    const victim = path.join(dir, "victim");
    fs.writeFileSync(victim, "precious");
    let planted = 0;
    // Somebody guesses each of the first three names just before it is made.
    const machine = wrapped((call, proceed) => {
      if (call.op === "open" && call.args[1] === "create" && planted < 3) {
        if (planted++ === 1 || needsPosix) fs.writeFileSync(call.args[0], "theirs");
        else fs.symlinkSync(victim, call.args[0]);
      }
      return proceed();
    });
    await withMachine(machine, () => writeFile(path.join(dir, "file"), "new"));
    assert.equal(fs.readFileSync(path.join(dir, "file"), "utf8"), "new");
    assert.equal(fs.readFileSync(victim, "utf8"), "precious");
    assert.equal(leftovers(dir).length, 3);
  });
});
