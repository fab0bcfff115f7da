/**
 * A rename over a file that somebody holds (Windows): tried again, on the right errors only, for a bounded time, and never
 * by anything that could lose the old file. In virtual time. graceful-fs gives up if the target exists, which is always;
 * write-file-atomic never tries again; atomically tries for ever more where nothing can help.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type HoldfastError, isHoldfastError, readFile, stageFile, writeFile, writeFileSync } from "holdfast";
import { SimDisk } from "holdfast/sim";
import { whileHeld } from "../../dist/core/publish.js";
import type { Io, IoSync } from "../../dist/io/io.js";
import { type Program, rename } from "../../dist/io/program.js";
import { run, runSync } from "../../dist/io/run.js";
import { systemError, withMachine, wrapIo } from "../support/machines.ts";

const TARGET = "/d/target";
const STAGED = "/d/staged";

interface Held {
  readonly machine: { readonly io: Io; readonly sync: IoSync };
  readonly disk: SimDisk;
  readonly sleeps: number[];
  readonly ops: string[];
}

/** A disk on which the first `times` renames fail. */
function held(errno: string, times: number, jitter?: number): Held {
  const disk = new SimDisk();
  disk.writeFile(TARGET, "old");
  disk.writeFile(STAGED, "new");
  const sleeps: number[] = [];
  const ops: string[] = [];
  let left = times;
  const process = disk.process();
  const around: Parameters<typeof wrapIo>[1] = (call, proceed) => {
    ops.push(call.op);
    if (call.op === "rename" && left-- > 0) throw systemError(errno, "rename");
    if (call.op === "sleep") sleeps.push(call.args[0]);
    if (call.op === "random" && jitter !== undefined) return Uint8Array.of(jitter);
    return proceed();
  };
  return { machine: { io: wrapIo(process.io, around), sync: wrapIo(process.sync, around) }, disk, sleeps, ops };
}

const attempt = (): Program<void> => rename(STAGED, TARGET);

const LOOPS: readonly [string, (program: Program<void>, machine: Held["machine"]) => Promise<void>][] = [
  ["asynchronous", (program, { io }) => run(program, io)],
  ["synchronous", async (program, { sync }) => runSync(program, sync)],
];

for (const [name, drive] of LOOPS) {
  describe(`a held target, ${name}`, () => {
    for (const errno of ["EPERM", "EBUSY", "EACCES"]) {
      test(`${errno}: tried again until it is free`, async () => {
        const { machine, disk, sleeps } = held(errno, 5);
        await drive(whileHeld(attempt, TARGET, 10_000), machine);
        assert.equal(disk.readText(TARGET), "new");
        assert.equal(sleeps.length, 5);
      });
    }

    for (const errno of ["ENOENT", "EXDEV", "EIO", "ENOSPC", "EISDIR", "UNKNOWN", "EMFILE"]) {
      test(`${errno}: not tried again`, async () => {
        const { machine, disk, sleeps, ops } = held(errno, 1);
        await assert.rejects(drive(whileHeld(attempt, TARGET, 10_000), machine), { details: { errno } });
        assert.deepEqual([sleeps, ops.filter((op) => op === "rename").length, disk.readText(TARGET)], [[], 1, "old"]);
      });
    }

    test("the pauses are 1, 2, 4, 8, 16, 32, 50, 50, ... ms", async () => {
      const { machine, sleeps } = held("EPERM", 10, 127);
      await drive(whileHeld(attempt, TARGET, 10_000), machine);
      assert.deepEqual(sleeps.map(Math.round), [1, 2, 4, 8, 16, 32, 50, 50, 50, 50]);
    });

    test("each with a jitter from a half to one and a half", async () => {
      for (const [byte, factor] of [
        [0, 0.5],
        [255, 1.5],
      ] as const) {
        const { machine, sleeps } = held("EPERM", 8, byte);
        await drive(whileHeld(attempt, TARGET, 10_000), machine);
        assert.deepEqual(
          sleeps,
          [1, 2, 4, 8, 16, 32, 50, 50].map((delay) => delay * factor),
        );
      }
      const { machine, sleeps } = held("EPERM", 40);
      await drive(whileHeld(attempt, TARGET, 10_000), machine);
      assert.ok(new Set(sleeps.slice(6)).size > 10, "several writers do not try in step");
    });

    test("when the budget is used up: BUSY, with how often and how long, and the old file is there", async () => {
      const { machine, disk, sleeps } = held("EPERM", Number.POSITIVE_INFINITY);
      await assert.rejects(drive(whileHeld(attempt, TARGET, 2000), machine), (error: HoldfastError) => {
        assert.deepEqual([error.code, error.kind, error.outcome, error.path], ["BUSY", "unavailable", "unchanged", TARGET]);
        const { errno, attempts, elapsedMs } = error.details as { errno: string; attempts: number; elapsedMs: number };
        assert.deepEqual([errno, attempts], ["EPERM", sleeps.length + 1]);
        assert.ok(elapsedMs >= 2000 && elapsedMs < 2100, `${elapsedMs} ms`);
        assert.equal((error.cause as NodeJS.ErrnoException).code, "EPERM");
        return true;
      });
      assert.equal(disk.readText(TARGET), "old");
      assert.equal(disk.readText(STAGED), "new");
    });

    test("a budget of 0 tries once", async () => {
      const { machine, sleeps } = held("EPERM", 1);
      await assert.rejects(drive(whileHeld(attempt, TARGET, 0), machine), {
        code: "BUSY",
        details: { errno: "EPERM", attempts: 1, elapsedMs: 0 },
      });
      assert.deepEqual(sleeps, []);
    });

    test("after the first failure the target is looked at, once: a directory and a read-only file are not waited for", async () => {
      for (const [code, make] of [
        ["NOT_A_FILE", (disk: SimDisk) => disk.makeDir("/d/other")],
        ["PERMISSION", (disk: SimDisk) => disk.writeFile("/d/other", "old", 0o444)],
      ] as const) {
        const { machine, disk, sleeps } = held("EPERM", Number.POSITIVE_INFINITY);
        make(disk);
        await assert.rejects(
          drive(
            whileHeld(() => rename(STAGED, "/d/other"), "/d/other", 10_000),
            machine,
          ),
          { code, outcome: "unchanged", details: { errno: "EPERM" } },
        );
        assert.deepEqual(sleeps, []);
      }
      const { machine, ops } = held("EPERM", 6);
      await drive(whileHeld(attempt, TARGET, 10_000), machine);
      assert.equal(ops.filter((op) => op === "lstat").length, 1);
    });

    test("nothing but the rename is repeated: the old file is never unlinked, opened or copied over", async () => {
      const { machine, ops } = held("EBUSY", 6);
      await drive(whileHeld(attempt, TARGET, 10_000), machine);
      assert.deepEqual([...new Set(ops)].sort(), ["lstat", "now", "random", "rename", "sleep"]);
    });
  });
}

describe("through the public API, on a simulated Windows", () => {
  /** A disk of which a file is held by a reader of another process until it lets go. */
  function windows(): {
    disk: SimDisk;
    path: string;
    machine: Held["machine"];
    letGo: () => void;
    sleeps: number[];
    onSleep: (body: (nth: number) => void) => void;
  } {
    const disk = new SimDisk({ platform: "windows" });
    const path = "/d/config.json";
    disk.writeFile(path, "old");
    const reader = disk.process().sync;
    const file = reader.open(path, "read");
    const sleeps: number[] = [];
    let each: (nth: number) => void = () => {};
    const process = disk.process();
    const around: Parameters<typeof wrapIo>[1] = (call, proceed) => {
      if (call.op === "sleep") {
        sleeps.push(call.args[0]);
        each(sleeps.length);
      }
      return proceed();
    };
    return {
      disk,
      path,
      sleeps,
      machine: { io: wrapIo(process.io, around), sync: wrapIo(process.sync, around) },
      letGo: () => reader.close(file),
      onSleep(body) {
        each = body;
      },
    };
  }

  const WAYS: Readonly<Record<string, (path: string, busyTimeoutMs?: number) => Promise<unknown>>> = {
    writeFile: (path, busyTimeoutMs) => writeFile(path, "new", { busyTimeoutMs }),
    writeFileSync: async (path, busyTimeoutMs) => writeFileSync(path, "new", { busyTimeoutMs }),
    staged: async (path, busyTimeoutMs) => {
      const staged = await stageFile(path, { busyTimeoutMs });
      await staged.write("new");
      await staged.commit();
    },
  };

  for (const [way, write] of Object.entries(WAYS)) {
    test(`${way} waits for a reader, and then replaces the file`, async () => {
      const { disk, path, machine, letGo, onSleep, sleeps } = windows();
      onSleep((nth) => {
        if (nth === 4) letGo();
      });
      await withMachine(machine, () => write(path));
      assert.equal(disk.readText(path), "new");
      assert.equal(sleeps.length, 4);
    });

    test(`${way} gives up after its budget: BUSY, unchanged, nothing left`, async () => {
      const { disk, path, machine } = windows();
      await withMachine(machine, () => assert.rejects(write(path, 300), { code: "BUSY", outcome: "unchanged" }));
      assert.deepEqual(disk.tree(), { "/d/": "", [path]: "old" });
    });
  }

  test("the budget is 10 s, and 2 s where nobody else can run", async () => {
    for (const [way, ms] of [
      ["writeFile", 10_000],
      ["writeFileSync", 2000],
      ["staged", 10_000],
    ] as const) {
      const { path, machine } = windows();
      const error: unknown = await withMachine(machine, () => WAYS[way]?.(path).catch((caught: unknown) => caught));
      assert.ok(isHoldfastError(error, "BUSY"));
      const elapsed = error.details["elapsedMs"] as number;
      assert.ok(elapsed >= ms && elapsed < ms + 100, `${way}: ${elapsed} ms`);
    }
  });

  test("an abort ends the wait, and the old file is there", async () => {
    const { disk, path, machine, onSleep } = windows();
    const control = new AbortController();
    onSleep((nth) => {
      if (nth === 3) control.abort();
    });
    await withMachine(machine, () =>
      assert.rejects(writeFile(path, "new", { signal: control.signal }), { code: "ABORTED", outcome: "unchanged" }),
    );
    assert.deepEqual(disk.tree(), { "/d/": "", [path]: "old" });
  });

  test("a reader waits for a writer that has the file to itself, and never takes it for missing", async () => {
    const disk = new SimDisk({ platform: "windows" });
    disk.makeDir("/d");
    const other = disk.process().sync;
    const file = other.open("/d/file", "create");
    other.write(file, new TextEncoder().encode("content"), 0);
    const process = disk.process();
    let sleeps = 0;
    const around: Parameters<typeof wrapIo>[1] = (call, proceed) => {
      if (call.op === "sleep" && ++sleeps === 3) other.close(file);
      return proceed();
    };
    const machine = { io: wrapIo(process.io, around), sync: wrapIo(process.sync, around) };
    assert.equal(await withMachine(machine, () => readFile("/d/file", "utf8")), "content");
    assert.equal(sleeps, 3);
  });
});
