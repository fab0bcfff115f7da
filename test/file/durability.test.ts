/** The level that was reached is in the result, and with `strict` less than asked is an error before anything is written. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import {
  capabilities,
  type Durability,
  stageFile,
  type WriteFileSyncOptions,
  type WriteResult,
  writeFile,
  writeFileSync,
} from "holdfast";
import type { FileSystem, Op } from "../../dist/io/io.js";
import { type Around, failing, withMachine, wrapped } from "../support/machines.ts";
import { needsLinux } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const LEVELS: readonly Durability[] = ["durable", "atomic", "volatile"];

const WAYS: Readonly<Record<string, (file: string, options?: WriteFileSyncOptions) => Promise<WriteResult>>> = {
  async: (file, options) => writeFile(file, "new", options),
  sync: async (file, options) => writeFileSync(file, "new", options),
  staged: async (file, options) => {
    const staged = await stageFile(file, options);
    await staged.write("new");
    return await staged.commit();
  },
};

/** The real machine on another kind of file system. */
const onFileSystem =
  (fileSystem: FileSystem): Around =>
  (call, proceed) =>
    call.op === "fileSystem" ? fileSystem : proceed();

const EXT4: FileSystem = { name: "ext4", local: true, persistent: true };
const TMPFS: FileSystem = { name: "tmpfs", local: true, persistent: false };

for (const [way, write] of Object.entries(WAYS)) {
  describe(`durability, ${way}`, () => {
    test("that was asked for is reached where the file system keeps things, with no sync more than needed", async (t) => {
      const file = path.join(tempDir(t), "file");
      const SYNCS: Record<Durability, Op[]> = {
        durable: ["syncFile", "rename", "syncDir"],
        atomic: ["syncFile", "rename"],
        volatile: ["rename"],
      };
      for (const asked of LEVELS) {
        const requests: Op[] = [];
        const record: Around = (call, proceed) => {
          requests.push(call.op);
          return proceed();
        };
        const machine = wrapped(record, wrapped(onFileSystem(EXT4)));
        const { durability } = await withMachine(machine, () => write(file, { durability: asked }));
        assert.equal(durability, asked);
        assert.deepEqual(
          requests.filter((op) => ["syncFile", "rename", "syncDir"].includes(op)),
          SYNCS[asked],
        );
      }
    });

    test("durable is the default", async (t) => {
      const machine = wrapped(onFileSystem(EXT4));
      const { durability } = await withMachine(machine, () => write(path.join(tempDir(t), "file")));
      assert.equal(durability, "durable");
    });

    test("is volatile on a file system that keeps nothing, and strict refuses that before anything is written", async (t) => {
      const dir = tempDir(t);
      const file = path.join(dir, "file");
      await withMachine(wrapped(onFileSystem(TMPFS)), async () => {
        for (const durability of LEVELS) assert.equal((await write(file, { durability })).durability, "volatile");
        fs.writeFileSync(file, "old");
        const before = fs.statSync(dir).mtimeMs;
        for (const durability of ["durable", "atomic"] as const) {
          const details = { fileSystem: "tmpfs", reachable: "volatile" };
          await assert.rejects(write(file, { durability, strict: true }), { code: "UNSUPPORTED", outcome: "unchanged", details });
        }
        assert.equal(fs.statSync(dir).mtimeMs, before);
        assert.equal(fs.readFileSync(file, "utf8"), "old");
        assert.equal((await write(file, { durability: "volatile", strict: true })).durability, "volatile");
      });
    });

    test("is atomic where a directory can't be synced, and strict refuses that before anything is written", async (t) => {
      const dir = tempDir(t);
      const file = path.join(dir, "file");
      const noDirSync: Around = (call, proceed) => (call.op === "syncDir" ? false : proceed());
      await withMachine(wrapped(noDirSync, wrapped(onFileSystem(EXT4))), async () => {
        await assert.rejects(write(file, { strict: true }), {
          code: "UNSUPPORTED",
          outcome: "unchanged",
          details: { fileSystem: "ext4", reachable: "atomic" },
        });
        assert.deepEqual(fs.readdirSync(dir), []);
        assert.equal((await write(file)).durability, "atomic");
        assert.equal((await write(file, { durability: "atomic", strict: true })).durability, "atomic");
        assert.equal((await capabilities(dir)).durability, "atomic");
      });
    });

    test("whose directory sync fails is an error of which the outcome is unknown: the new content may not last", async (t) => {
      const dir = tempDir(t);
      const file = path.join(dir, "file");
      fs.writeFileSync(file, "old");
      await withMachine(wrapped(failing("syncDir", "EIO"), wrapped(onFileSystem(EXT4))), async () => {
        await assert.rejects(write(file), { code: "SYNC_FAILED", kind: "io", outcome: "unknown", details: { errno: "EIO" } });
      });
      assert.equal(fs.readFileSync(file, "utf8"), "new", "it is there, and may be gone after a power loss");
      assert.deepEqual(leftovers(dir), []);
    });
  });
}

test("on a real tmpfs the result says volatile, and strict is refused with nothing written", { skip: needsLinux }, async (t) => {
  const SHM = "/dev/shm";
  if (!fs.existsSync(SHM) || (await capabilities(SHM)).fileSystem !== "tmpfs") return t.skip("needs a tmpfs at /dev/shm");
  const dir = fs.mkdtempSync(path.join(SHM, "holdfast-test-"));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  for (const write of Object.values(WAYS)) {
    const file = path.join(dir, "file");
    await assert.rejects(write(file, { strict: true }), { code: "UNSUPPORTED", outcome: "unchanged" });
    assert.deepEqual(fs.readdirSync(dir), []);
    assert.equal((await write(file)).durability, "volatile");
    fs.unlinkSync(file);
  }
});

describe("capabilities", () => {
  test("say what is promised in a directory, and write nothing", async (t) => {
    const dir = tempDir(t);
    const before = fs.statSync(dir).mtimeMs;
    const found = await capabilities(dir);
    assert.equal(fs.statSync(dir).mtimeMs, before);
    assert.deepEqual(Object.keys(found).sort(), ["dirSync", "durability", "fileSystem", "local", "replacesOpenFiles", "sweep"]);
    assert.equal((await writeFile(path.join(dir, "file"), "")).durability, found.durability);
    if (process.platform !== "win32") assert.ok(found.replacesOpenFiles);
  });

  test("of a network file system: nothing is swept there", async (t) => {
    const nfs = onFileSystem({ name: "nfs", local: false, persistent: true });
    const { local, sweep, fileSystem } = await withMachine(wrapped(nfs), () => capabilities(tempDir(t)));
    assert.deepEqual({ local, sweep, fileSystem }, { local: false, sweep: "never", fileSystem: "nfs" });
  });

  test("are those of a directory: of anything else NOT_FOUND, of no path a TypeError", async (t) => {
    const dir = tempDir(t);
    fs.writeFileSync(path.join(dir, "file"), "");
    await assert.rejects(capabilities(path.join(dir, "absent")), { code: "NOT_FOUND" });
    await assert.rejects(capabilities(path.join(dir, "file")), { code: "NOT_FOUND" });
    await assert.rejects(capabilities(""), TypeError);
  });
});
