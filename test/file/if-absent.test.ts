/** ifAbsent: one wins, nobody is replaced. parents: each directory that is made is made durable. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { stageFile, type WriteFileSyncOptions, writeFile, writeFileSync, writeJson } from "holdfast";
import { startChild } from "../support/child.ts";
import { failing, withMachine, wrapped } from "../support/machines.ts";
import { needsPosix } from "../support/needs.ts";
import { gate, slow } from "../support/sources.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

describe("ifAbsent", () => {
  const ifAbsent = true;

  test("writes a new file, and refuses one that exists, in every form", async (t) => {
    const dir = tempDir(t);
    const at = (name: string): string => path.join(dir, name);
    await writeFile(at("async"), "1", { ifAbsent });
    writeFileSync(at("sync"), "1", { ifAbsent });
    await writeJson(at("json"), 1, { ifAbsent });
    const staged = await stageFile(at("staged"), { ifAbsent });
    await staged.write("1");
    await staged.commit();
    const exists = { code: "EXISTS", kind: "conflict", outcome: "unchanged" };
    for (const name of ["async", "sync", "json", "staged"]) {
      assert.equal(fs.readFileSync(at(name), "utf8").trim(), "1");
      assert.equal(fs.statSync(at(name)).nlink, 1, "no second name is left");
      await assert.rejects(writeFile(at(name), "2", { ifAbsent }), exists);
      assert.throws(() => writeFileSync(at(name), "2", { ifAbsent }), exists);
      await assert.rejects(stageFile(at(name), { ifAbsent }), exists);
      assert.equal(fs.readFileSync(at(name), "utf8").trim(), "1");
    }
    assert.equal(fs.readdirSync(dir).length, 4);
  });

  test("refuses at the commit what came meanwhile, and leaves it alone", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    const staged = await stageFile(file, { ifAbsent });
    await staged.write("ours");
    const hold = gate();
    const source = slow("ours", hold.passed);
    const writing = writeFile(path.join(dir, "other"), source.data, { ifAbsent });
    await source.begun;
    fs.writeFileSync(file, "theirs");
    fs.writeFileSync(path.join(dir, "other"), "theirs");
    hold.open();
    for (const refused of await Promise.allSettled([staged.commit(), writing])) {
      assert.equal(refused.status === "rejected" && refused.reason.code, "EXISTS");
      assert.equal(refused.status === "rejected" && refused.reason.outcome, "unchanged");
    }
    assert.equal(fs.readFileSync(file, "utf8"), "theirs");
    assert.equal(fs.readFileSync(path.join(dir, "other"), "utf8"), "theirs");
    assert.deepEqual(leftovers(dir), []);
  });

  test("through a dangling link makes the file it names; a link that is replaced is not absent", {
    skip: needsPosix,
  }, async (t) => {
    const dir = tempDir(t);
    fs.symlinkSync("target", path.join(dir, "link"));
    await assert.rejects(writeFile(path.join(dir, "link"), "1", { ifAbsent, symlink: "replace" }), { code: "EXISTS" });
    await writeFile(path.join(dir, "link"), "1", { ifAbsent });
    assert.equal(fs.readFileSync(path.join(dir, "target"), "utf8"), "1");
  });

  test("exactly one of 50 calls in one process wins", async (t) => {
    const file = path.join(tempDir(t), "file");
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => writeFile(file, String(index), { ifAbsent })),
    );
    const won = results.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
    assert.equal(won.length, 1);
    assert.equal(fs.readFileSync(file, "utf8"), String(won[0]));
    for (const result of results) if (result.status === "rejected") assert.equal(result.reason.code, "EXISTS");
  });

  test("exactly one of 8 processes wins, 50 times over, and all agree who", async (t) => {
    const dir = tempDir(t);
    const ROUNDS = 50;
    const children = Array.from({ length: 8 }, (_, me) =>
      startChild(
        async ({ hf, path, heard, say }, { dir, me, rounds }) => {
          say("ready");
          await heard();
          const won: number[] = [];
          const codes = new Set<string>();
          for (let round = 0; round < rounds; round++) {
            const file = path.join(dir, String(round));
            const options = { ifAbsent: true, durability: "volatile" } as const;
            try {
              if (me % 2 === 0) hf.writeFileSync(file, `process ${me}`, options);
              else await hf.writeFile(file, `process ${me}`, options);
              won.push(round);
            } catch (error) {
              codes.add((error as { code: string }).code);
            }
          }
          return { won, codes: [...codes] };
        },
        { dir, me, rounds: ROUNDS },
      ),
    );
    t.after(() => Promise.all(children.map((child) => child.kill())));
    for (const child of children) await child.next();
    for (const child of children) child.tell("go");
    const results = await Promise.all(children.map(({ result }) => result));
    for (const { codes } of results) for (const code of codes) assert.equal(code, "EXISTS");
    for (let round = 0; round < ROUNDS; round++) {
      const winners = results.flatMap(({ won }, me) => (won.includes(round) ? [me] : []));
      assert.equal(winners.length, 1, `round ${round}: ${winners.join(" and ")} won`);
      assert.equal(fs.readFileSync(path.join(dir, String(round)), "utf8"), `process ${winners[0]}`);
    }
    assert.deepEqual(leftovers(dir), []);
  });

  test("where there are no hard links says so before it has changed anything, and never replaces instead", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    // On Windows EPERM can pass, and is waited for; the answer of a drive without links is EISDIR.
    const errnos = process.platform === "win32" ? ["EISDIR"] : ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EISDIR"];
    for (const errno of errnos) {
      const refused = withMachine(wrapped(failing("link", errno)), () => writeFile(file, "1", { ifAbsent }));
      await assert.rejects(refused, { code: "UNSUPPORTED", outcome: "unchanged", details: { errno } });
      assert.deepEqual(fs.readdirSync(dir), []);
    }
  });

  test("a link whose answer was lost is known to be ours", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    const machine = wrapped((call, proceed) => {
      if (call.op !== "link") return proceed();
      const [from, to] = call.args;
      fs.linkSync(from, to);
      return proceed(); // EEXIST, by its own first try
    });
    const { sizeBytes } = await withMachine(machine, () => writeFile(file, "ours", { ifAbsent }));
    assert.equal(sizeBytes, 4);
    assert.equal(fs.readFileSync(file, "utf8"), "ours");
    assert.deepEqual(leftovers(dir), []);
  });
});

describe("parents", () => {
  /** Names, in order, of the directories that were made and synced. */
  async function traced(dir: string, body: () => Promise<unknown>): Promise<string[]> {
    const events: string[] = [];
    const relative = (at: string): string => path.relative(dir, at).replaceAll(path.sep, "/");
    const machine = wrapped((call, proceed) => {
      if (call.op === "makeDir") events.push(`make ${relative(call.args[0])}`);
      if (call.op === "syncDir") events.push(`sync ${relative(call.args[0]) || "."}`);
      return proceed();
    });
    await withMachine(machine, body);
    return events;
  }

  const FORMS: Readonly<Record<string, (file: string, options: WriteFileSyncOptions) => Promise<unknown>>> = {
    async: (file, options) => writeFile(file, "1", options),
    sync: async (file, options) => writeFileSync(file, "1", options),
    staged: async (file, options) => (await stageFile(file, options)).commit(),
  };

  for (const [form, write] of Object.entries(FORMS)) {
    test(`each made directory has its name synced before the file is written (${form})`, async (t) => {
      const dir = tempDir(t);
      const events = await traced(dir, () => write(path.join(dir, "a/b/c/file"), { parents: true }));
      assert.deepEqual(events, ["make a", "sync .", "make a/b", "sync a", "make a/b/c", "sync a/b", "sync a/b/c"]);
      assert.deepEqual(await traced(dir, () => write(path.join(dir, "a/b/c/file"), { parents: true })), ["sync a/b/c"]);
    });

    test(`none is synced where nothing has to last (${form})`, async (t) => {
      const dir = tempDir(t);
      const events = await traced(dir, () => write(path.join(dir, "a/b/file"), { parents: true, durability: "volatile" }));
      assert.deepEqual(events, ["make a", "make a/b"]);
    });
  }

  test("no directory is made for a name that can't be had, or without being asked", async (t) => {
    const dir = tempDir(t);
    await assert.rejects(writeFile(path.join(dir, "a/b", "n".repeat(256)), "", { parents: true }), { code: "INVALID_NAME" });
    await assert.rejects(writeFile(path.join(dir, "a/b/file"), "", { parents: false }), { code: "NOT_FOUND" });
    await assert.rejects(writeFile(path.join(dir, "a/b/file"), undefined as unknown as string, { parents: true }), TypeError);
    assert.deepEqual(fs.readdirSync(dir), []);
  });

  test("a file on the way is no directory", async (t) => {
    const dir = tempDir(t);
    fs.writeFileSync(path.join(dir, "a"), "file");
    await assert.rejects(writeFile(path.join(dir, "a/b/file"), "", { parents: true }), { outcome: "unchanged" });
    assert.equal(fs.readFileSync(path.join(dir, "a"), "utf8"), "file");
  });

  test("many writers make the same directories at once", async (t) => {
    const dir = tempDir(t);
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => writeFile(path.join(dir, `a/b/${index % 4}/${index}`), "1", { parents: true })),
    );
    assert.equal(fs.readdirSync(path.join(dir, "a/b/3")).length, 10);
  });
});
