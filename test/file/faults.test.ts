/**
 * Errors of the disk on the real disk: the old file is whole, nothing is left, and the error says what happened. Others
 * ignore how many bytes were written, and replace a good file by its first 258,048 of 400,000 bytes with success
 * (write-file-atomic, atomically, conf).
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, type TestContext, test } from "node:test";
import { createWriteStream, type HoldfastError, stageFile, type WriteResult, writeFile, writeFileSync } from "holdfast";
import { type Around, failing, systemError, withMachine, wrapped } from "../support/machines.ts";
import { allClosed, leftovers, tempDir } from "../support/temp-dir.ts";

const SIZE = 400_000;
const NEW = Buffer.alloc(SIZE, "0123456789");

function withOldFile(t: TestContext): { file: string; unchanged: () => Promise<void> } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, "the good old content");
  return {
    file,
    async unchanged() {
      assert.equal(fs.readFileSync(file, "utf8"), "the good old content");
      assert.deepEqual(leftovers(dir), []);
      await allClosed(dir);
    },
  };
}

/** On Windows EBUSY may pass, and is waited for. */
const QUICK = { busyTimeoutMs: 100 } as const;

const WAYS: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  async: (file) => writeFile(file, NEW, QUICK),
  sync: async (file) => writeFileSync(file, NEW, QUICK),
  chunks: (file) => writeFile(file, [NEW.subarray(0, 70_000), NEW.subarray(70_000)], QUICK),
  staged: async (file) => {
    const staged = await stageFile(file, QUICK);
    await staged.write(NEW);
    await staged.commit();
  },
  stream: (file) => pipeline(Readable.from([NEW]), createWriteStream(file, QUICK)),
};

/** Lets a write through in pieces of at most `most` bytes. */
const short =
  (most: number): Around =>
  (call, proceed) => {
    if (call.op !== "write") return proceed();
    const [file, bytes, position] = call.args;
    return fs.writeSync(file, bytes, 0, Math.min(most, bytes.length), position);
  };

/** Takes `room` bytes, says how many, and only then has no more. */
function fillsAfter(room: number, code: string): Around {
  let left = room;
  return (call, proceed) => {
    if (call.op !== "write") return proceed();
    const [file, bytes, position] = call.args;
    if (left === 0) throw systemError(code, "write");
    const count = fs.writeSync(file, bytes, 0, Math.min(left, bytes.length), position);
    left -= count;
    return count;
  };
}

for (const [way, write] of Object.entries(WAYS)) {
  describe(`a fault of the disk, ${way}`, () => {
    for (const [errno, code] of [
      ["ENOSPC", "NO_SPACE"],
      ["EDQUOT", "NO_SPACE"],
      ["EFBIG", "NO_SPACE"],
      ["EIO", "IO"],
    ] as const) {
      test(`${errno} after a part was written is ${code}, and the old file is whole`, async (t) => {
        const { file, unchanged } = withOldFile(t);
        for (const room of [0, 4096, 258_048]) {
          const expected = { code, outcome: "unchanged", details: { errno } };
          await withMachine(wrapped(fillsAfter(room, errno)), () => assert.rejects(write(file), expected));
          await unchanged();
        }
      });
    }

    test("short writes are gone on with until every byte is there", async (t) => {
      const { file } = withOldFile(t);
      await withMachine(wrapped(short(7001)), () => write(file));
      assert.ok(fs.readFileSync(file).equals(NEW));
    });

    test("a write that takes nothing is an error, not a loop", async (t) => {
      const { file, unchanged } = withOldFile(t);
      await withMachine(wrapped(short(0)), () => assert.rejects(write(file), { code: "NO_SPACE", outcome: "unchanged" }));
      await unchanged();
    });

    test("a disk that says it wrote more than it did is found out", async (t) => {
      const { file, unchanged } = withOldFile(t);
      const liar: Around = (call, proceed) => {
        if (call.op !== "write") return proceed();
        const [fd, bytes, position] = call.args;
        fs.writeSync(fd, bytes, 0, bytes.length >> 1, position);
        return bytes.length;
      };
      await withMachine(wrapped(liar), () => assert.rejects(write(file), { code: "IO", outcome: "unchanged" }));
      await unchanged();
    });

    for (const [op, errno, code] of [
      ["open", "ENOSPC", "NO_SPACE"],
      ["open", "EROFS", "READ_ONLY"],
      ["open", "EMFILE", "TOO_MANY_FILES"],
      ["open", "ENFILE", "TOO_MANY_FILES"],
      ["lstat", "EIO", "IO"],
      ["realPath", "EACCES", "PERMISSION"],
      ["statFile", "EIO", "IO"],
      ["syncFile", "EIO", "SYNC_FAILED"],
      ["syncFile", "ENOSPC", "NO_SPACE"],
      ["rename", "EBUSY", "BUSY"],
      ["rename", "ENOSPC", "NO_SPACE"],
      ["rename", "EXDEV", "IO"],
    ] as const) {
      test(`${op} ${errno} is ${code}, the old file is whole, and nothing is left`, async (t) => {
        const { file, unchanged } = withOldFile(t);
        const error = await withMachine(wrapped(failing(op, errno)), () =>
          write(file).catch((caught: unknown) => caught as HoldfastError),
        );
        assert.deepEqual([(error as HoldfastError).code, (error as HoldfastError).outcome], [code, "unchanged"]);
        assert.equal((error as HoldfastError).details["errno"], errno);
        await unchanged();
      });
    }

    test("a sync that failed is never tried again: the next write makes a file of its own", async (t) => {
      const { file } = withOldFile(t);
      let syncs = 0;
      const once: Around = (call, proceed) => {
        if (call.op === "syncFile" && ++syncs === 1) throw systemError("EIO", "fsync");
        return proceed();
      };
      await withMachine(wrapped(once), async () => {
        await assert.rejects(write(file), { code: "SYNC_FAILED", outcome: "unchanged" });
        assert.equal(syncs, 1);
        await write(file);
      });
      assert.ok(fs.readFileSync(file).equals(NEW));
    });

    test("no descriptor left to open the directory with, after the rename: the one just closed serves", async (t) => {
      const { file } = withOldFile(t);
      const result = await withMachine(wrapped(failing("syncDir", "EMFILE", 1)), () => write(file));
      assert.equal((result as WriteResult | undefined)?.durability ?? "durable", "durable");
      assert.deepEqual(fs.readFileSync(file), NEW);
      await allClosed(path.dirname(file));
      const always = withMachine(wrapped(failing("syncDir", "EMFILE")), () => write(file));
      await assert.rejects(always, { code: "TOO_MANY_FILES", outcome: "unknown" });
    });

    test("a rename whose answer was lost is looked after: done is done", async (t) => {
      const { file } = withOldFile(t);
      const lost: Around = async (call, proceed) => {
        if (call.op !== "rename") return await proceed();
        await proceed();
        throw systemError("EIO", "rename");
      };
      const lostSync: Around = (call, proceed) => {
        const reply = proceed();
        if (call.op === "rename") throw systemError("EIO", "rename");
        return reply;
      };
      await withMachine(wrapped(way === "sync" ? lostSync : lost), () => write(file));
      assert.ok(fs.readFileSync(file).equals(NEW));
      assert.deepEqual(leftovers(path.dirname(file)), []);
    });

    test("a clean-up that fails too changes nothing about the first error", async (t) => {
      const { file } = withOldFile(t);
      const broken: Around = (call, proceed) => {
        if (call.op === "syncFile") throw systemError("EIO", "fsync");
        if (call.op === "unlink") throw systemError("EROFS", "unlink");
        return proceed();
      };
      await withMachine(wrapped(broken), () => assert.rejects(write(file), { code: "SYNC_FAILED", outcome: "unchanged" }));
      assert.equal(fs.readFileSync(file, "utf8"), "the good old content");
      await allClosed(path.dirname(file));
    });
  });
}

test("a machine without files to spare: writes wait for nothing they can't have, and later ones succeed", async (t) => {
  const { file } = withOldFile(t);
  await withMachine(wrapped(failing("open", "EMFILE", 3)), async () => {
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => writeFile(`${file}-${index}`, "new")));
    assert.equal(results.filter(({ status }) => status === "rejected").length, 1);
  });
});
