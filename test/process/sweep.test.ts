/**
 * What a killed writer leaves is removed by the next writer in the directory, and a live writer's never. No other library
 * sweeps at a write; the `verify` of cacache deletes the files of live writers.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { capabilities, type Notice, readFile, stageFile, writeFile, writeFileSync } from "holdfast";
import { type Body, type Child, inChild, startChild } from "../support/child.ts";
import { type Around, systemError, withMachine, wrapped } from "../support/machines.ts";
import { needs, needsLinux, needsPidNamespaces, needsRoot } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/** Stages `content`, and commits it when it is told to. */
const stageAndWait: Body<string, string> = async ({ hf, say, heard }, file) => {
  const staged = await hf.stageFile(file);
  await staged.write("content of the live writer");
  say("staged");
  if ((await heard()) !== "commit") return "told nothing";
  await staged.commit();
  return "committed";
};

async function startWriter(t: TestContext, dir: string, wrap: readonly string[] = []): Promise<Child<string>> {
  const child = startChild(stageAndWait, path.join(dir, "staged"), { wrap });
  t.after(() => child.kill());
  assert.equal(await child.next(), "staged");
  return child;
}

/** A directory with what killed writers have left. */
async function withDead(t: TestContext, count = 1): Promise<string> {
  const dir = tempDir(t);
  const writers = await Promise.all(Array.from({ length: count }, () => startWriter(t, dir)));
  await Promise.all(writers.map((writer) => writer.kill()));
  assert.equal(leftovers(dir).length, count);
  return dir;
}

/** As a process that has swept nothing yet: a directory that is made anew can have the inode of one that this process knows. */
const afresh = <T>(body: () => T): T =>
  withMachine(
    wrapped((_call, proceed) => proceed()),
    body,
  );

function collectNotices(t: TestContext): Notice[] {
  const notices: Notice[] = [];
  const listen = (message: unknown): void => void notices.push(message as Notice);
  subscribe("holdfast:notice", listen);
  t.after(() => unsubscribe("holdfast:notice", listen));
  return notices;
}

const FIRST_WRITES: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  writeFile: (file) => writeFile(file, "new"),
  writeFileSync: async (file) => writeFileSync(file, "new"),
  stageFile: async (file) => (await stageFile(file)).discard(),
};

describe("the leftovers of killed writers", { skip: needsLinux }, () => {
  for (const [name, write] of Object.entries(FIRST_WRITES)) {
    test(`are removed by the first ${name} of a process in their directory`, async (t) => {
      const dir = await withDead(t, 3);
      await afresh(() => write(path.join(dir, "other")));
      assert.deepEqual(leftovers(dir), []);
    });
  }

  // A kill between fchown and rename left a file of the other user, which was swept by nobody: not by root, as it was not
  // root's, and that user may never write there.
  test("of root are removed also where they have the owner of the old file already", { skip: needsRoot }, async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "old");
    fs.chownSync(file, 4321, 4321);
    const writer = startChild(async ({ hf, say, machines: { withMachine, wrapped } }, file) => {
      const upToSync: Around = (call, proceed) => {
        if (call.op !== "syncFile") return proceed();
        say("has its owner");
        return new Promise(() => {});
      };
      await withMachine(wrapped(upToSync), () => hf.writeFile(file, "new"));
    }, file);
    t.after(() => writer.kill());
    assert.equal(await writer.next(), "has its owner");
    await writer.kill();
    assert.deepEqual(
      leftovers(dir).map((name) => fs.statSync(path.join(dir, name)).uid),
      [4321],
    );
    await afresh(() => writeFile(path.join(dir, "other"), ""));
    assert.deepEqual(leftovers(dir), []);
  });

  test("are removed after a restart of the same program, whatever process ids there are", async (t) => {
    const dir = await withDead(t);
    const writer = await startWriter(t, dir);
    assert.equal(leftovers(dir).length, 1, "the old one is gone, the new one is there");
    writer.tell("commit");
    assert.equal(await writer.result, "committed");
  });

  test("are reported on the channel holdfast:notice, with their paths", async (t) => {
    const notices = collectNotices(t);
    const dir = await withDead(t, 2);
    const paths = leftovers(dir).map((name) => path.join(dir, name));
    await afresh(() => writeFile(path.join(dir, "file"), ""));
    assert.deepEqual(
      notices.map(({ type, path, details }) => ({
        type,
        path,
        removed: (details?.["removed"] as string[] | undefined)?.slice().sort(),
      })),
      [{ type: "swept", path: dir, removed: paths.sort() }],
    );
  });

  test("that can't be removed are reported, and the write goes on", async (t) => {
    const notices = collectNotices(t);
    const dir = await withDead(t);
    const [name = ""] = leftovers(dir);
    const leftover = path.join(dir, name);
    const refused: Around = (call, proceed) => {
      if (call.op === "unlink" && call.args[0] === leftover) throw systemError("EPERM", "unlink", leftover);
      return proceed();
    };
    await withMachine(wrapped(refused), () => writeFile(path.join(dir, "file"), "new"));
    assert.equal(fs.readFileSync(path.join(dir, "file"), "utf8"), "new");
    assert.deepEqual(
      notices.map(({ type, path }) => ({ type, path })),
      [{ type: "sweep-failed", path: leftover }],
    );
    assert.ok(notices[0]?.cause instanceof Error);
  });

  test("stay while nobody writes: readers and capabilities change nothing", async (t) => {
    const dir = await withDead(t);
    fs.writeFileSync(path.join(dir, "file"), "content");
    await readFile(path.join(dir, "file"));
    assert.equal((await capabilities(dir)).sweep, "lock");
    assert.equal(leftovers(dir).length, 1);
  });

  test("stay on a file system that is not known to be local, where a lock proves nothing", async (t) => {
    const dir = await withDead(t);
    const nfs: Around = (call, proceed) =>
      call.op === "fileSystem" ? { name: "nfs", local: false, persistent: true } : proceed();
    await withMachine(wrapped(nfs), () => writeFile(path.join(dir, "file"), ""));
    assert.equal(leftovers(dir).length, 1);
  });
});

describe("a live writer's staged file", { skip: needsLinux }, () => {
  test("is left alone by every other process, however old it is", async (t) => {
    const dir = tempDir(t);
    const writer = await startWriter(t, dir);
    const [name = ""] = leftovers(dir);
    fs.utimesSync(path.join(dir, name), 0, 0);
    for (const write of Object.values(FIRST_WRITES)) {
      await afresh(() => write(path.join(dir, "here")));
      await inChild(({ hf }, file) => hf.writeFile(file, "new"), path.join(dir, "there"));
    }
    assert.deepEqual(leftovers(dir), [name]);
    writer.tell("commit");
    assert.equal(await writer.result, "committed");
    assert.equal(fs.readFileSync(path.join(dir, "staged"), "utf8"), "content of the live writer");
  });

  test("is left alone by a sweeper in another container, and the other way round", { skip: needsPidNamespaces }, async (t) => {
    for (const [writerIn, sweeperIn] of [
      [[], CONTAINER],
      [CONTAINER, []],
      [CONTAINER, CONTAINER],
    ] as const) {
      const dir = tempDir(t);
      const writer = await startWriter(t, dir, writerIn);
      const { pid } = await inChild(
        async ({ hf }, file) => {
          await hf.writeFile(file, "new");
          return { pid: process.pid };
        },
        path.join(dir, "other"),
        { wrap: sweeperIn },
      );
      if (sweeperIn === CONTAINER) assert.equal(pid, 1);
      assert.equal(leftovers(dir).length, 1);
      writer.tell("commit");
      assert.equal(await writer.result, "committed");
    }
  });

  test("of a dead writer in another container is removed all the same", { skip: needsPidNamespaces }, async (t) => {
    const dir = tempDir(t);
    await (await startWriter(t, dir, CONTAINER)).kill();
    // The container's processes end with its first one; the kernel frees the lock when that is done.
    for (let round = 0; leftovers(dir).length > 0 && round < 200; round++)
      await inChild(({ hf }, file) => hf.writeFile(file, "new"), path.join(dir, "other"));
    assert.deepEqual(leftovers(dir), []);
  });
});

describe("what a sweep never touches", { skip: needsLinux }, () => {
  const TOKEN = "0123456789abcdefghjkmnpqrs";

  test("names that are not of our grammar, and what is no file", async (t) => {
    const dir = tempDir(t);
    const likes = [
      `.holdfast-stage-${TOKEN.slice(1)}`,
      `.holdfast-stage-${TOKEN}0`,
      `.holdfast-stage-${TOKEN.toUpperCase()}`,
      `.holdfast-stage-${TOKEN.replace("a", "i")}`,
      `.holdfast-stage-${TOKEN.replace("a", "u")}`,
      `.holdfast-stage-${TOKEN.replace("a", "-")}`,
      `.holdfast-stage-${TOKEN}.bak`,
      `.holdfast-journal-${TOKEN}`,
      `holdfast-stage-${TOKEN}`,
      `x.holdfast-stage-${TOKEN}`,
      ".holdfast-stage-",
      ".file.tmp-1234567890abcdef",
    ];
    for (const name of likes) fs.writeFileSync(path.join(dir, name), "somebody's");
    const ours = (last: string): string => path.join(dir, `.holdfast-stage-${TOKEN.slice(1)}${last}`);
    fs.mkdirSync(ours("d"));
    fs.symlinkSync("target", ours("e"));
    execFileSync("mkfifo", [ours("f")]);
    fs.writeFileSync(path.join(dir, "target"), "somebody's");
    const before = fs.readdirSync(dir).sort();
    fs.writeFileSync(ours("z"), "a real leftover");
    await afresh(() => writeFile(path.join(dir, "file"), ""));
    assert.deepEqual(fs.readdirSync(dir).sort(), [...before, "file"].sort(), "all but the real leftover");
    assert.equal(fs.readFileSync(path.join(dir, "target"), "utf8"), "somebody's");
  });

  test("files of other users", { skip: needs(needsRoot) }, async (t) => {
    const dir = tempDir(t);
    fs.chmodSync(dir, 0o777);
    const theirs = path.join(dir, `.holdfast-stage-${TOKEN}`);
    fs.writeFileSync(theirs, "root's");
    fs.chmodSync(theirs, 0o666);
    await inChild(
      async ({ hf, become }, file) => {
        become(4321);
        await hf.writeFile(file, "new");
      },
      path.join(dir, "file"),
    );
    assert.deepEqual(fs.readdirSync(dir).sort(), [path.basename(theirs), "file"]);
    await afresh(() => writeFile(path.join(dir, "file"), "newer"));
    assert.deepEqual(leftovers(dir), [], "its owner does remove it");
  });

  test("a staged file of this process, also after many directories were forgotten", async (t) => {
    const dir = tempDir(t);
    const staged = await stageFile(path.join(dir, "file"));
    await staged.write("kept");
    await afresh(() => writeFile(path.join(dir, "other"), ""));
    afresh(() => writeFileSync(path.join(dir, "other"), ""));
    await staged.commit();
    assert.equal(fs.readFileSync(path.join(dir, "file"), "utf8"), "kept");
  });
});
