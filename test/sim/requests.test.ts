/** What the conformance script can't compare: other users, kills, Windows, time, what is random. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHoldfastError, writeFile } from "holdfast";
import { onDisk, SimDisk } from "holdfast/sim";
import { printContent } from "../../dist/sim/trace.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function diskWith(text: string, options: ConstructorParameters<typeof SimDisk>[0] = {}): SimDisk {
  const disk = new SimDisk(options);
  disk.writeFile("/d/f", text);
  return disk;
}

describe("a simulated disk", () => {
  it("stands in for the real one in ordinary tests", async () => {
    const disk = diskWith("old");
    await onDisk(disk, () => writeFile("/d/f", "new"));
    assert.deepEqual(disk.tree(), { "/d/": "", "/d/f": "new" });
    assert.equal(disk.readText("/d/none"), undefined);
    assert.deepEqual(disk.openPaths(), []);
  });

  it("fails as it is told", async () => {
    const disk = diskWith("old");
    const full = { faults: [{ op: "write", path: "/d/*", errno: "ENOSPC" }] } as const;
    await assert.rejects(
      onDisk(disk, () => writeFile("/d/f", "new"), full),
      (error) => isHoldfastError(error, "NO_SPACE"),
    );
    assert.deepEqual(disk.tree(), { "/d/": "", "/d/f": "old" });
  });

  it("fails only what is meant: kind, path, number, times", () => {
    const io = diskWith("old").process({
      faults: [
        { op: "lstat", path: "/d/**/deep?", errno: "EIO" },
        { op: "list", nth: 2, times: 2, errno: "EMFILE" },
      ],
    }).sync;
    assert.throws(() => io.lstat("/d/x/y/deep1"), { code: "EIO" });
    assert.equal(io.lstat("/d/x"), undefined, "another path");
    assert.equal(io.stat("/d/x/y/deep2"), undefined, "another kind");
    const lists = [1, 2, 3, 4].map(() => {
      try {
        return io.list("/d").length;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    });
    assert.deepEqual(lists, [1, "EMFILE", "EMFILE", 1]);
  });

  it("repeats its random bytes by seed, and gives each process others", () => {
    const draw = (seed: number, processes: number): string => {
      const disk = new SimDisk({ seed });
      return Array.from({ length: processes }, () => disk.process().sync.random(8).join()).join(" ");
    };
    assert.equal(draw(1, 2), draw(1, 2));
    assert.notEqual(draw(1, 1), draw(2, 1));
    assert.equal(new Set(draw(1, 5).split(" ")).size, 5);
  });

  it("has a clock that moves only by sleeping", async () => {
    const disk = diskWith("old");
    const { io, sync } = disk.process();
    const start = sync.now();
    await io.sleep(60_000);
    assert.equal(sync.now() - start, 60_000);
    disk.advance(1000);
    assert.equal(sync.now() - start, 61_000);
    const file = sync.open("/d/f", "edit");
    sync.write(file, bytes("x"), 0);
    assert.equal(sync.statFile(file).modifiedMs, sync.now());
  });
});

describe("permissions", () => {
  it("of directory and file are respected, except by user 0", () => {
    const disk = diskWith("old");
    const stranger = disk.process({ userId: 7 }).sync;
    assert.throws(() => stranger.open("/d/f", "edit"), { code: "EACCES", syscall: "open" });
    assert.throws(() => stranger.open("/d/g", "create"), { code: "EACCES" });
    assert.throws(() => stranger.rename("/d/f", "/d/g"), { code: "EACCES" });
    assert.throws(() => stranger.unlink("/d/f"), { code: "EACCES" });
    const reading = stranger.open("/d/f", "read");
    assert.throws(() => stranger.setMode(reading, 0o777), { code: "EPERM", syscall: "fchmod" });
    assert.throws(() => stranger.setOwner(reading, 7, 7), { code: "EPERM", syscall: "fchown" });
    const root = disk.process({ userId: 0 }).sync;
    const file = root.open("/d/f", "edit");
    root.setMode(file, 0o4711);
    root.setOwner(file, 7, 7);
    assert.equal(stranger.lstat("/d/f")?.mode, 0o711, "fchown(2) clears set-user-id");
    stranger.close(stranger.open("/d/f", "edit"));
  });
});

describe("a file that is open when it is written", () => {
  it("is the same file afterwards, also on a disk that was left by a crash", () => {
    const disk = diskWith("old").afterPowerLoss();
    const [writer, early, late] = [disk.process().sync, disk.process().sync, disk.process().sync];
    const [file, before] = [writer.open("/d/f", "edit"), early.open("/d/f", "read")];
    assert.equal(writer.tryLock(file, "exclusive"), true);
    writer.write(file, bytes("longer"), 0);
    assert.equal(early.statFile(before).sizeBytes, 6);
    assert.equal(early.tryLock(before, "shared"), false);
    assert.equal(late.tryLock(late.open("/d/f", "read"), "shared"), false);
  });
});

describe("a killed process", () => {
  it("loses its descriptors and locks; what it wrote is still there, and still pending", () => {
    const disk = diskWith("old");
    const victim = disk.process();
    const file = victim.sync.open("/d/f", "edit");
    victim.sync.tryLock(file, "exclusive");
    victim.sync.write(file, bytes("new"), 0);
    const other = disk.process().sync;
    const mine = other.open("/d/f", "read");
    assert.equal(other.tryLock(mine, "shared"), false);
    victim.kill();
    assert.equal(other.tryLock(mine, "shared"), true);
    assert.equal(victim.openCount, 0);
    assert.equal(disk.readText("/d/f"), "new");
    assert.equal(disk.afterPowerLoss().readText("/d/f"), "old");
    assert.throws(() => victim.sync.now(), /after its kill/);
  });
});

describe("windows", () => {
  const windows = { platform: "windows" } as const;

  it("takes names that differ by case for one", () => {
    const { sync } = diskWith("old", windows).process();
    assert.equal(sync.stat("/D/F")?.kind, "file");
    assert.throws(() => sync.open("/d/F", "create"), { code: "EEXIST" });
    sync.rename("/d/f", "/d/F");
    assert.deepEqual(sync.list("/d"), [{ name: "F", kind: "file" }]);
    assert.equal(sync.traits().foldName("AbC"), "abc");
  });

  it("does not rename over what anybody has open", () => {
    const disk = diskWith("old", windows);
    disk.writeFile("/d/g", "new");
    const { sync } = disk.process();
    const reader = disk.process().sync;
    const held = reader.open("/d/f", "read");
    assert.throws(() => sync.rename("/d/g", "/d/f"), { code: "EPERM", syscall: "rename" });
    reader.close(held);
    sync.rename("/d/g", "/d/f");
    assert.equal(disk.readText("/d/f"), "new");
  });

  it("keeps the name of a removed file until its last close, for nobody", () => {
    const disk = diskWith("old", windows);
    disk.writeFile("/d/g", "new");
    const [{ sync }, holder, other] = [disk.process(), disk.process(), disk.process().sync];
    const held = other.open("/d/f", "read");
    holder.sync.open("/d/f", "read");
    sync.unlink("/d/f");
    const denied = { code: "EPERM" };
    for (const attempt of [
      () => sync.open("/d/f", "read"),
      () => sync.open("/d/f", "create"),
      () => sync.lstat("/d/f"),
      () => sync.rename("/d/g", "/d/f"),
      () => sync.rename("/d/f", "/d/h"),
      () => sync.unlink("/d/f"),
    ])
      assert.throws(attempt, denied);
    assert.deepEqual(
      sync
        .list("/d")
        .map(({ name }) => name)
        .sort(),
      ["f", "g"],
    );
    other.close(held);
    assert.throws(() => sync.lstat("/d/f"), denied, "one more has it open");
    holder.kill();
    assert.equal(sync.lstat("/d/f"), undefined);
    sync.rename("/d/g", "/d/f");
    assert.equal(disk.readText("/d/f"), "new");
  });

  it("does not rename over a file that is read-only, and removes it", () => {
    const disk = new SimDisk(windows);
    disk.writeFile("/d/f", "old", 0o444);
    disk.writeFile("/d/g", "new");
    const { sync } = disk.process();
    assert.throws(() => sync.rename("/d/g", "/d/f"), { code: "EPERM" });
    sync.unlink("/d/f");
    assert.deepEqual(disk.tree(), { "/d/": "", "/d/g": "new" });
  });

  it("keeps everybody from a file that is being made", () => {
    const disk = diskWith("old", windows);
    const { sync } = disk.process();
    const made = sync.open("/d/stage", "create");
    const other = disk.process().sync;
    assert.throws(() => other.open("/d/stage", "read"), { code: "EBUSY" });
    assert.throws(() => other.unlink("/d/stage"), { code: "EBUSY" });
    assert.throws(() => sync.rename("/d/stage", "/d/f"), { code: "EBUSY" });
    assert.throws(() => other.rename("/d", "/e"), { code: "EPERM" });
    assert.equal(other.lstat("/d/stage")?.kind, "file");
    sync.close(made);
    other.unlink("/d/stage");
  });
});

describe("content for people", () => {
  it("counts runs and quotes text", () => {
    assert.equal(printContent(bytes("")), "empty");
    assert.equal(printContent(bytes("hello\0\0aaaaaa!")), '14 bytes: "hello", 2 x NUL, 6 x \'a\', "!"');
    assert.match(printContent(new Uint8Array(10_000).map((_, at) => at % 251)), /\.\.\.$/);
  });
});
