/** Mode and owner of a replaced file are kept; what can't be is in the result; nothing is ever more accessible than it was. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { stageFile, type WriteFileSyncOptions, type WriteResult, writeFile, writeFileSync } from "holdfast";
import { inChild } from "../support/child.ts";
import { withMachine, wrapped } from "../support/machines.ts";
import { needsPosix, needsRoot } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const modeOf = (file: string): number => fs.statSync(file).mode & 0o7777;

function umask(t: TestContext, mask: number): void {
  const before = process.umask(mask);
  t.after(() => process.umask(before));
}

function fileWith(t: TestContext, mode: number): string {
  const file = path.join(tempDir(t), "file");
  fs.writeFileSync(file, "old");
  fs.chmodSync(file, mode);
  return file;
}

/** The ways to write a whole file. */
const WAYS: Readonly<Record<string, (file: string, options?: WriteFileSyncOptions) => Promise<WriteResult>>> = {
  async: (file, options) => writeFile(file, "new", options),
  sync: async (file, options) => writeFileSync(file, "new", options),
  staged: async (file, options) => {
    const staged = await stageFile(file, options);
    await staged.write("new");
    return await staged.commit();
  },
};

for (const [way, write] of Object.entries(WAYS)) {
  describe(`mode, ${way}`, { skip: needsPosix }, () => {
    test("of the replaced file is kept, whatever umask says", async (t) => {
      umask(t, 0o077);
      for (const mode of [0o600, 0o640, 0o644, 0o666, 0o755, 0o777, 0o400, 0o000]) {
        const file = fileWith(t, mode);
        const { notKept } = await write(file);
        assert.equal(modeOf(file), mode, `0o${mode.toString(8)}`);
        assert.deepEqual(notKept, []);
      }
    });

    test("of a new file obeys umask", async (t) => {
      const dir = tempDir(t);
      for (const mask of [0o000, 0o022, 0o027, 0o077]) {
        umask(t, mask);
        const file = path.join(dir, `umask-${mask}`);
        await write(file);
        assert.equal(modeOf(file), 0o666 & ~mask);
      }
    });

    test("that is given is exact, whatever umask and the old file say", async (t) => {
      umask(t, 0o077);
      for (const mode of [0o600, 0o666, 0o751, 0o444]) {
        const file = fileWith(t, 0o640);
        await write(file, { mode });
        assert.equal(modeOf(file), mode, `replaced, 0o${mode.toString(8)}`);
        const fresh = path.join(tempDir(t), "new");
        await write(fresh, { mode });
        assert.equal(modeOf(fresh), mode, `new, 0o${mode.toString(8)}`);
      }
    });

    test("of a secret: neither it nor its staged file is more accessible at any moment", async (t) => {
      umask(t, 0);
      for (const [old, options] of [
        [0o600, {}],
        [0o644, { mode: 0o600 }],
        [0o640, {}],
      ] as const) {
        const file = fileWith(t, old);
        const dir = path.dirname(file);
        const allowed = options.mode ?? old;
        let seen = 0;
        // After every single request of the write, not only when the test happens to look.
        const machine = wrapped((call, proceed) => {
          const look = (): void => {
            for (const name of leftovers(dir)) {
              seen++;
              assert.equal(modeOf(path.join(dir, name)) & ~allowed, 0, `staged file after ${call.op}`);
            }
          };
          const reply = proceed();
          if (!(reply instanceof Promise)) {
            look();
            return reply;
          }
          return reply.finally(look);
        });
        await withMachine(machine, () => write(file, options));
        assert.ok(seen >= 4, `looked ${seen} times`);
        assert.equal(modeOf(file), allowed);
      }
    });
  });
}

test("the staged file of a secret is secret while a slow source is read", { skip: needsPosix }, async (t) => {
  umask(t, 0);
  const file = fileWith(t, 0o600);
  const dir = path.dirname(file);
  let modes: number[] = [];
  const chunks = async function* (): AsyncGenerator<string> {
    for (let chunk = 0; chunk < 4; chunk++) {
      modes = modes.concat(leftovers(dir).map((name) => modeOf(path.join(dir, name))));
      yield "x".repeat(70_000);
    }
  };
  await writeFile(file, chunks());
  assert.deepEqual(modes, [0o600, 0o600, 0o600, 0o600]);
});

test("a write that has waited in line keeps the mode that the one before it has set", { skip: needsPosix }, async (t) => {
  const file = fileWith(t, 0o644);
  await Promise.all([writeFile(file, "first", { mode: 0o600 }), writeFile(file, "second")]);
  assert.equal(modeOf(file), 0o600);
  assert.equal(fs.readFileSync(file, "utf8"), "second");
});

describe("owner", { skip: needsRoot }, () => {
  for (const [way, write] of Object.entries(WAYS)) {
    test(`and group of the replaced file are kept when root writes, set-user-id bits too (${way})`, async (t) => {
      for (const mode of [0o600, 0o644, 0o4755, 0o2755, 0o6711]) {
        const file = fileWith(t, 0o600);
        fs.chownSync(file, 4321, 1234);
        fs.chmodSync(file, mode);
        const { notKept } = await write(file);
        const { uid, gid } = fs.statSync(file);
        assert.deepEqual([uid, gid, modeOf(file).toString(8)], [4321, 1234, mode.toString(8)]);
        assert.deepEqual(notKept, []);
        assert.equal(fs.readFileSync(file, "utf8"), "new");
      }
    });
  }

  test("of another's file can't be kept by an ordinary user: the result says so, and set-id bits are dropped", async (t) => {
    const dir = tempDir(t);
    fs.chmodSync(dir, 0o777);
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "root's");
    fs.chmodSync(file, 0o6755);
    const results = await inChild(async ({ hf, fs, become }, file) => {
      become(4321);
      const results = [await hf.writeFile(file, "async")];
      const found = [fs.statSync(file)];
      return { results, found: found.map(({ uid, gid, mode }) => [uid, gid, (mode & 0o7777).toString(8)]) };
    }, file);
    assert.deepEqual(
      results.results.map(({ notKept }) => notKept),
      [["owner", "group"]],
    );
    assert.deepEqual(results.found, [[4321, 4321, "755"]]);
    assert.equal(fs.readFileSync(file, "utf8"), "async");
  });

  test("and group are reported one by one: only what differs", async (t) => {
    const dir = tempDir(t);
    fs.chmodSync(dir, 0o777);
    const owned = (name: string, uid: number, gid: number): string => {
      const file = path.join(dir, name);
      fs.writeFileSync(file, "old");
      fs.chownSync(file, uid, gid);
      fs.chmodSync(file, 0o2664);
      return file;
    };
    const files = [owned("group", 4321, 1), owned("owner", 1, 4321), owned("own", 4321, 4321), owned("none", 4321, 4321)];
    const found = await inChild(({ hf, fs, become }, files) => {
      become(4321);
      return files.map((file, index) => {
        const { notKept } = hf.writeFileSync(file, "new", index === 3 ? { mode: 0o600 } : {});
        return [notKept, (fs.statSync(file).mode & 0o7777).toString(8)];
      });
    }, files);
    assert.deepEqual(found, [
      [["group"], "664"],
      [["owner"], "664"],
      [[], "2664"],
      [[], "600"],
    ]);
  });

  test("a directory that may not be written fails at once with PERMISSION: one attempt, no rename, nothing left", async (t) => {
    // atomically tries for 7.5 s here, and its synchronous form spins a core for 1 s.
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "old");
    fs.chmodSync(file, 0o666);
    fs.chmodSync(dir, 0o755);
    const { outcomes, opens, renames } = await inChild(async ({ hf, machines, become, settle }, file) => {
      become(4321);
      const { counts, around } = machines.counting();
      const machine = machines.wrapped(around);
      const outcomes = await machines.withMachine(machine, async () => [
        await settle(() => hf.writeFile(file, "new")),
        await settle(() => hf.writeFileSync(file, "new")),
        await settle(() => hf.stageFile(file)),
      ]);
      return {
        outcomes: outcomes.map(({ failed }) => [failed?.code, failed?.outcome]),
        opens: counts.get("open"),
        renames: counts.get("rename") ?? 0,
      };
    }, file);
    assert.deepEqual(outcomes, Array(3).fill(["PERMISSION", "unchanged"]));
    assert.deepEqual({ opens, renames }, { opens: 3, renames: 0 });
    assert.deepEqual(fs.readdirSync(dir), ["file"]);
    assert.equal(fs.readFileSync(file, "utf8"), "old");
  });

  test("another's file in a sticky directory can't be replaced: PERMISSION, and nothing is left", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "root's");
    fs.chmodSync(file, 0o666);
    fs.chmodSync(dir, 0o1777);
    const outcomes = await inChild(async ({ hf, become, settle }, file) => {
      become(4321);
      const all = [await settle(() => hf.writeFile(file, "new")), await settle(() => hf.writeFileSync(file, "new"))];
      return all.map(({ failed }) => `${failed?.code} ${failed?.outcome}`);
    }, file);
    assert.deepEqual(outcomes, ["PERMISSION unchanged", "PERMISSION unchanged"]);
    assert.deepEqual(fs.readdirSync(dir), ["file"]);
    assert.equal(fs.readFileSync(file, "utf8"), "root's");
  });

  test("a directory that may be written and not read can't be synced: atomic, said so, and strict refuses it", async (t) => {
    const dir = tempDir(t);
    const drop = path.join(dir, "drop");
    fs.mkdirSync(drop);
    fs.chmodSync(dir, 0o755);
    fs.chmodSync(drop, 0o333);
    const found = await inChild(async ({ hf, path, become, settle }, drop) => {
      await hf.capabilities(path.dirname(drop)); // loads what this user may not be able to read
      become(4321);
      const { failed } = await settle(() => hf.writeFile(path.join(drop, "c"), "new", { strict: true }));
      const results = [await hf.writeFile(path.join(drop, "a"), "new"), hf.writeFileSync(path.join(drop, "b"), "new")];
      return [failed?.code, ...results.map(({ durability }) => durability)];
    }, drop);
    assert.deepEqual(found, ["UNSUPPORTED", "atomic", "atomic"]);
    assert.deepEqual(fs.readdirSync(drop).sort(), ["a", "b"]);
  });

  test("an unreadable file is PERMISSION for a reader, never missing and never empty", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "{}", { mode: 0o600 });
    fs.chmodSync(dir, 0o755);
    const codes = await inChild(async ({ hf, become, settle }, file) => {
      become(4321);
      const all = [
        await settle(() => hf.readFile(file)),
        await settle(() => hf.readFileSync(file)),
        await settle(() => hf.readJson(file)),
      ];
      return all.map(({ failed }) => failed?.code);
    }, file);
    assert.deepEqual(codes, ["PERMISSION", "PERMISSION", "PERMISSION"]);
  });
});
