/** Windows: files that are held, in virtual time. */
import assert from "node:assert/strict";
import * as path from "node:path";
import { describe, it } from "node:test";
import { isHoldfastError, readFile, readFileSync, writeFile, writeFileSync } from "holdfast";
import { interleave, onDisk, SimDisk, sweep } from "holdfast/sim";
import { type Finish, replaceFile } from "../../dist/core/replace.js";
import { sweepDead } from "../../dist/core/sweep.js";
import { newId, ourName } from "../../dist/format/names.js";
import { currentMachine } from "../../dist/io/current.js";
import { run, runSync } from "../../dist/io/run.js";
import { FINISH } from "../support/finish.ts";
import { withMachine, wrapIo } from "../support/machines.ts";

const PATH = "/app/config.json";
const HELD: Finish = { ...FINISH, heldBudgetMs: 5 };

function windowsDisk(text = "old"): SimDisk {
  const disk = new SimDisk({ platform: "windows" });
  disk.writeFile(PATH, text);
  return disk;
}

describe("a held target", () => {
  it("is BUSY after the time that was given, which passes only on the simulated clock", async () => {
    for (const write of [writeFile, writeFileSync]) {
      const disk = windowsDisk();
      const holder = disk.process().sync;
      holder.open(PATH, "read");
      const startMs = holder.now();
      const attempt = async (): Promise<unknown> => write(PATH, "new", { busyTimeoutMs: 5_000 });
      await assert.rejects(onDisk(disk, attempt), (error) => isHoldfastError(error, "BUSY") && error.outcome === "unchanged");
      const passedMs = holder.now() - startMs;
      assert.ok(passedMs >= 5_000 && passedMs < 6_000, `${passedMs} ms`);
      assert.deepEqual(disk.tree(), { "/app/": "", [PATH]: "old" });
    }
  });

  it("is replaced once it is let go of", async () => {
    const disk = windowsDisk();
    const holder = disk.process();
    holder.sync.open(PATH, "read");
    const start = holder.sync.now();
    const writing = onDisk(disk, () => writeFile(PATH, "new"));
    while (holder.sync.now() - start < 300) await new Promise(setImmediate);
    holder.kill();
    await writing;
    assert.deepEqual(disk.tree(), { "/app/": "", [PATH]: "new" });
  });
});

/** What Wine does not reproduce: the name of a removed file stays while somebody has it open, and can't be had. */
describe("a target that was removed while somebody has it open", () => {
  it("is written again once it is closed", async () => {
    const disk = windowsDisk();
    const holder = disk.process();
    holder.sync.open(PATH, "read");
    disk.process().sync.unlink(PATH);
    const startMs = holder.sync.now();
    let over = false;
    const writing = onDisk(disk, () => writeFile(PATH, "new")).finally(() => {
      over = true;
    });
    while (!over && holder.sync.now() - startMs < 300) await new Promise(setImmediate);
    holder.kill();
    await writing;
    assert.deepEqual(disk.tree(), { "/app/": "", [PATH]: "new" });
  });

  it("is BUSY if that takes too long, to readers too, and not absent", async () => {
    const disk = windowsDisk();
    disk.process().sync.open(PATH, "read");
    disk.process().sync.unlink(PATH);
    const busy = { code: "BUSY", outcome: "unchanged" } as const;
    await onDisk(disk, async () => {
      await assert.rejects(writeFile(PATH, "new"), busy);
      assert.throws(() => writeFileSync(PATH, "new"), busy);
      await assert.rejects(readFile(PATH), busy);
      assert.throws(() => readFileSync(PATH), busy);
    });
    assert.deepEqual(disk.tree(), { "/app/": "", [PATH]: "old" });
  });
});

describe("a read-only target", () => {
  it("is refused without waiting, and nothing is left", async () => {
    const disk = new SimDisk({ platform: "windows" });
    disk.writeFile(PATH, "old", 0o444);
    const { sync } = disk.process();
    const startMs = sync.now();
    const refused = { code: "PERMISSION", outcome: "unchanged", message: /read-only/ } as const;
    await assert.rejects(
      onDisk(disk, () => writeFile(PATH, "new")),
      refused,
    );
    assert.equal(sync.now(), startMs);
    assert.deepEqual(disk.tree(), { "/app/": "", [PATH]: "old" });
  });
});

/** Each of these is EBUSY: an exclusive open refuses the open, a byte-range lock (LockFileEx) the read. */
describe("a reader", () => {
  it("waits for who has the file exclusively", async () => {
    const disk = windowsDisk();
    const faults = [{ op: "open", path: PATH, times: 5, errno: "EBUSY" }] as const;
    assert.equal(await onDisk(disk, () => readFile(PATH, "utf8"), { faults }), "old");
    assert.equal(await onDisk(disk, async () => readFileSync(PATH, "utf8"), { faults }), "old");
  });

  it("of a locked range says BUSY, gives no part of the file, and leaves nothing open", async () => {
    for (const nth of [1, 2]) {
      const disk = windowsDisk();
      const faults = [{ op: "read", nth, errno: "EBUSY" }] as const;
      await assert.rejects(
        onDisk(disk, () => readFile(PATH, "utf8"), { faults }),
        { code: "BUSY", outcome: "unchanged" },
      );
      assert.deepEqual(disk.openPaths(), []);
    }
  });
});

/**
 * Both found under Wine: an abort between the last two requests before the rename left the staged file, open; and a
 * synchronous write failed with BUSY at the staged file of an asynchronous one that still had it open.
 */
describe("at every request of an asynchronous write", () => {
  /** Writes "asynchronous", and does `intrude` when the `nth` request has been asked for and not answered. */
  async function withIntruder(nth: number, intrude: () => void, signal?: AbortSignal): Promise<Intrusion> {
    const disk = windowsDisk();
    const process = disk.process();
    let count = 0;
    const io = wrapIo(process.io, (_call, proceed) => {
      const reply = proceed();
      if (++count === nth) intrude();
      return reply;
    });
    const [ending] = await withMachine({ io, sync: process.sync }, () =>
      Promise.allSettled([writeFile(PATH, "asynchronous", { signal })]),
    );
    return { ending, over: count < nth, tree: disk.tree(), openCount: process.openCount };
  }

  interface Intrusion {
    readonly ending: PromiseSettledResult<unknown>;
    readonly over: boolean;
    readonly tree: Readonly<Record<string, string>>;
    readonly openCount: number;
  }

  it("an abort leaves the old or the new file, and nothing open", async () => {
    for (let nth = 1, over = false; !over; nth++) {
      const control = new AbortController();
      const found = await withIntruder(nth, () => control.abort(), control.signal);
      const text = found.ending.status === "fulfilled" ? "asynchronous" : "old";
      assert.deepEqual([found.tree, found.openCount], [{ "/app/": "", [PATH]: text }, 0], `after request ${nth}`);
      over = found.over;
    }
  });

  it("a synchronous write succeeds, and wins", async () => {
    for (let nth = 1, over = false; !over; nth++) {
      const found = await withIntruder(nth, () => void writeFileSync(PATH, "synchronous"));
      if (found.ending.status === "rejected") throw found.ending.reason;
      const text = found.over ? "asynchronous" : "synchronous";
      assert.deepEqual([found.tree, found.openCount], [{ "/app/": "", [PATH]: text }, 0], `after request ${nth}`);
      over = found.over;
    }
  });
});

describe("staged files of dead writers", () => {
  it("are removed once they are 60 seconds old, and not before", () => {
    const disk = windowsDisk();
    const dead = path.join("/app", ourName("stage", newId(new Uint8Array(16))));
    disk.writeFile(dead, "dead");
    const { sync } = disk.process();
    disk.advance(59_000);
    assert.deepEqual(runSync(sweepDead("/app"), sync), { removed: [], finished: [], failed: [], keptCount: 1 });
    disk.advance(1_000);
    assert.deepEqual(runSync(sweepDead("/app"), sync), { removed: [dead], finished: [], failed: [], keptCount: 0 });
  });

  it("are left, however old, while somebody has them open", () => {
    const disk = windowsDisk();
    const writer = disk.process();
    writer.sync.open(`/app/${ourName("stage", newId(new Uint8Array(16)))}`, "create");
    disk.advance(3_600_000);
    const { sync } = disk.process();
    const { removed, failed } = runSync(sweepDead("/app"), sync);
    assert.deepEqual([removed.length, failed.length], [0, 1]);
    writer.kill();
    assert.equal(runSync(sweepDead("/app"), sync).removed.length, 1);
  });

  it("without any lock only age decides: 24 hours", () => {
    const disk = new SimDisk({ locks: false });
    disk.writeFile(`/app/${ourName("stage", newId(new Uint8Array(16)))}`, "dead");
    const { sync } = disk.process();
    disk.advance(24 * 3_600_000 - 1);
    assert.equal(runSync(sweepDead("/app"), sync).removed.length, 0);
    disk.advance(1);
    assert.equal(runSync(sweepDead("/app"), sync).removed.length, 1);
  });
});

it("a replace is old or new after every crash", async () => {
  for (const syncsDirs of [true, false]) {
    const { violations, text } = await sweep({
      disk: { platform: "windows", syncsDirs },
      setup: (disk) => disk.writeFile(PATH, "old"),
      run: () => writeFile(PATH, "new"),
      check({ disk, finished }) {
        assert.ok(["old", "new"].includes(disk.readText("/APP/Config.json") ?? ""));
        assert.ok(!finished || !syncsDirs || disk.readText(PATH) === "new", "acknowledged, but lost");
      },
    });
    assert.equal(violations, 0, text);
  }
});

describe("in every order", () => {
  const replace = (text: string) => async (): Promise<unknown> =>
    await run(replaceFile({ dir: "/app", path: PATH }, new TextEncoder().encode(text), HELD), currentMachine().io);

  it("two writers at once both succeed", async () => {
    const { violations, complete, text } = await interleave({
      disk: { platform: "windows" },
      setup: (disk) => disk.writeFile(PATH, "old"),
      programs: [replace("A"), replace("BB")],
      check({ disk, endings }) {
        for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
        assert.ok(["A", "BB"].includes(disk.readText(PATH) ?? ""));
      },
    });
    assert.equal(violations, 0, text);
    assert.ok(complete, text);
  });

  it("a reader gets one version, and a writer that it hinders fails with BUSY and changes nothing", async () => {
    const codes = new Set<string>();
    const { violations, text } = await interleave({
      disk: { platform: "windows" },
      setup: (disk) => disk.writeFile(PATH, "old"),
      programs: [replace("A"), () => readFile(PATH, "utf8")],
      statesMax: 3000, // a writer can try again at every place of a reader, at every time
      check({ disk, endings: [writer, reader] }) {
        assert.ok(reader?.status === "fulfilled" && ["old", "A"].includes(String(reader.value)));
        if (writer?.status === "rejected") {
          assert.ok(isHoldfastError(writer.reason, "BUSY") && writer.reason.outcome === "unchanged", String(writer.reason));
          assert.deepEqual(disk.tree(), { "/app/": "", [PATH]: "old" });
        } else assert.equal(disk.readText(PATH), "A");
        codes.add(writer?.status ?? "");
      },
    });
    assert.equal(violations, 0, text);
    assert.deepEqual([...codes].sort(), ["fulfilled", "rejected"]);
  });
});
