/** What recovery does with a commit that was interrupted, when others were there before it. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, it } from "node:test";
import { isHoldfastError, type Notice, stageDirectory, writeFile } from "holdfast";
import { type Fault, onDisk, SimDisk, type SimDiskOptions } from "holdfast/sim";
import { contentOf, DIR, NEW, OLD, oursOn, publish, put, useBeside } from "../support/directories.ts";

/** A disk on which a process died in the middle of a commit: nothing of this kind worked any more from there on. */
async function interrupted(options: SimDiskOptions, fault: Fault): Promise<SimDisk> {
  const disk = new SimDisk(options);
  put(OLD)(disk);
  const process = disk.process({ faults: [{ ...fault, times: Number.POSITIVE_INFINITY, errno: "EIO" }] });
  await process.run(async () => assert.rejects(publish(), (error) => isHoldfastError(error) && error.outcome === "unknown"));
  process.kill();
  return disk;
}

const IN_TWO_STEPS: SimDiskOptions = { exchanges: false };
/** Two tries in one step, the record, the old one aside. */
const IN_THE_GAP: Fault = { op: "rename", nth: 5, errno: "EIO" };
const FILE_BY_FILE: SimDiskOptions = { layered: true };
/** One try in one step, again under the lock, the record, the first file. */
const AFTER_ONE_FILE: Fault = { op: "rename", nth: 5, errno: "EIO" };

const partsOn = (disk: SimDisk): string[] => [...new Set(oursOn(disk).map(({ part }) => part))].sort();
const ourPath = (disk: SimDisk, part: string): string => oursOn(disk).find((one) => one.part === part)?.path ?? "";

async function noticesOf(body: () => Promise<unknown>): Promise<Notice[]> {
  const notices: Notice[] = [];
  const listen = (message: unknown): void => void notices.push(message as Notice);
  subscribe("holdfast:notice", listen);
  await body().finally(() => unsubscribe("holdfast:notice", listen));
  return notices;
}

describe("a swap in two steps that was interrupted in the gap", () => {
  it("is finished by the next use beside it, and told", async () => {
    const disk = await interrupted(IN_TWO_STEPS, IN_THE_GAP);
    assert.equal(contentOf(disk), undefined);
    const notices = await noticesOf(() => onDisk(disk, useBeside));
    assert.deepEqual(contentOf(disk), NEW);
    assert.deepEqual(partsOn(disk), []);
    assert.deepEqual(notices, [{ type: "recovered", path: DIR, details: { undone: false, superseded: [], kept: [] } }]);
  });

  it("is finished by a plain write in the parent too, if it is the first of its process there", async () => {
    const disk = await interrupted(IN_TWO_STEPS, IN_THE_GAP);
    await onDisk(disk, () => writeFile("/app/other.txt", "x"));
    assert.deepEqual(contentOf(disk), NEW);
  });

  it("is not touched while its owner lives", async () => {
    const disk = new SimDisk(IN_TWO_STEPS);
    put(OLD)(disk);
    const owner = disk.process();
    const staged = await owner.run(() => stageDirectory(DIR, { replace: true }));
    await staged.writeFile("a", "new");
    await onDisk(disk, useBeside);
    assert.deepEqual(partsOn(disk), ["dir", "life"]);
    await owner.run(() => staged.commit());
    assert.deepEqual(contentOf(disk), { a: "new" });
  });

  it("a foreign object found in the gap is kept, and so are the old and the new content", async () => {
    const disk = await interrupted(IN_TWO_STEPS, IN_THE_GAP);
    disk.writeFile(`${DIR}/theirs`, "theirs");
    const [notice] = await noticesOf(() => onDisk(disk, useBeside));
    assert.deepEqual(contentOf(disk), { theirs: "theirs" });
    assert.deepEqual(partsOn(disk), ["quarantine", "quarantine-old"]);
    assert.deepEqual(contentOf(disk, ourPath(disk, "quarantine").slice(0, -1)), NEW);
    assert.deepEqual(contentOf(disk, ourPath(disk, "quarantine-old").slice(0, -1)), OLD);
    assert.deepEqual(notice?.details?.["superseded"], ["site"]);
    assert.equal((notice?.details?.["kept"] as string[] | undefined)?.length, 2);
    await onDisk(disk, useBeside);
    assert.deepEqual(partsOn(disk), ["quarantine", "quarantine-old"], "nobody but a person removes them");
  });

  it("a foreign object put there while its owner is in the gap is an error of the commit", async () => {
    const disk = new SimDisk(IN_TWO_STEPS);
    put(OLD)(disk);
    // The owner is held up in the gap by a failure to look; what it finds when it looks again is not what it left.
    const process = disk.process();
    const { io, sync } = process;
    const rename: typeof io.rename = async (from, to) => {
      await io.rename(from, to);
      if (to.includes("aside")) disk.writeFile(`${DIR}/theirs`, "theirs");
    };
    const { withMachine } = await import("../../dist/io/current.js");
    const error = await withMachine({ io: { ...io, rename }, sync }, () => publish()).then(
      () => undefined,
      (failed: unknown) => failed,
    );
    assert.ok(isHoldfastError(error, "SUPERSEDED") && error.outcome === "unknown", String(error));
    assert.equal((error.details["kept"] as string[]).length, 2);
    assert.deepEqual(contentOf(disk), { theirs: "theirs" });
  });

  it("a damaged record is left, told, and does not hinder others", async () => {
    const disk = await interrupted(IN_TWO_STEPS, IN_THE_GAP);
    disk.writeFile(ourPath(disk, "journal"), "holdfast-journal 1 rotten");
    const [notice] = await noticesOf(() => onDisk(disk, useBeside));
    assert.ok(notice?.type === "sweep-failed" && isHoldfastError(notice.cause, "CORRUPT_JOURNAL"));
    assert.ok(partsOn(disk).includes("aside") && partsOn(disk).includes("journal"));
  });
});

describe("a commit file by file that was interrupted", () => {
  it("is finished, except for what somebody wrote since: that is kept", async () => {
    const disk = await interrupted(FILE_BY_FILE, AFTER_ONE_FILE);
    assert.deepEqual(contentOf(disk), { a: "new", gone: "x" });
    await onDisk(disk, () => writeFile(`${DIR}/sub/b`, "written since"));
    const [notice] = await noticesOf(() => onDisk(disk, useBeside));
    assert.deepEqual(contentOf(disk), { a: "new", "sub/b": "written since" });
    assert.deepEqual(notice?.details?.["superseded"], ["site/sub/b"]);
    assert.deepEqual(contentOf(disk, ourPath(disk, "quarantine").slice(0, -1)), { "sub/b": "b" });
  });

  it("a plain writeFile acknowledged between the kill and the recovery survives", async () => {
    const disk = await interrupted(FILE_BY_FILE, AFTER_ONE_FILE);
    await onDisk(disk, () => writeFile(`${DIR}/a`, "later"));
    await onDisk(disk, () => writeFile(`${DIR}/gone`, "later"));
    await onDisk(disk, useBeside);
    assert.deepEqual(contentOf(disk), { a: "later", gone: "later", "sub/b": "b" });
  });

  it("rotten staged content is not published", async () => {
    const disk = await interrupted(FILE_BY_FILE, AFTER_ONE_FILE);
    const staged = Object.keys(disk.tree()).find((path) => /holdfast-dir-.*\/sub\/b$/.test(path)) ?? "";
    const { sync } = disk.process();
    sync.write(sync.open(staged, "edit"), new TextEncoder().encode("#"), 0);
    const [notice] = await noticesOf(() => onDisk(disk, useBeside));
    assert.ok(notice?.type === "sweep-failed" && isHoldfastError(notice.cause, "CORRUPT_JOURNAL"));
    assert.deepEqual(contentOf(disk), { a: "new", gone: "x" });
  });

  it("a published file that somebody removed since stays removed", async () => {
    const disk = await interrupted({ platform: "windows" }, { op: "unlink", path: `${DIR}/gone`, errno: "EIO" });
    assert.deepEqual(contentOf(disk), { a: "new", gone: "x", "sub/b": "b" });
    const { sync } = disk.process();
    sync.unlink(`${DIR}/sub/b`);
    await onDisk(disk, useBeside);
    assert.deepEqual(contentOf(disk), { a: "new" });
    assert.deepEqual(partsOn(disk), []);
  });
});

describe("a new commit of a directory", () => {
  it("comes after the interrupted one, which it finishes first", async () => {
    const disk = await interrupted(FILE_BY_FILE, AFTER_ONE_FILE);
    await onDisk(disk, () => publish({ only: "this" }));
    assert.deepEqual(contentOf(disk), { only: "this" });
    assert.deepEqual(partsOn(disk), []);
  });

  it("is refused while the interrupted one can't be finished, and changes nothing", async () => {
    const disk = await interrupted(FILE_BY_FILE, AFTER_ONE_FILE);
    const faults = [
      { op: "rename", path: "/app/.holdfast-dir-*/sub/b", times: Number.POSITIVE_INFINITY, errno: "EACCES" },
    ] as const;
    const error = await disk.process({ faults }).run(() => publish({ only: "this" }).catch((failed: unknown) => failed));
    assert.ok(isHoldfastError(error, "BUSY") && error.outcome === "unchanged", String(error));
    await onDisk(disk, useBeside);
    assert.deepEqual(contentOf(disk), NEW);
    assert.deepEqual(partsOn(disk), []);
  });
});

it("old content that is exchanged is kept if it can't be made durable that it was", async () => {
  const disk = new SimDisk();
  put(OLD)(disk);
  const process = disk.process({ faults: [{ op: "syncDir", path: "/app", errno: "EIO" }] });
  await process.run(async () =>
    assert.rejects(publish(), (error) => isHoldfastError(error, "SYNC_FAILED") && error.outcome === "unknown"),
  );
  process.kill();
  await onDisk(disk, useBeside);
  assert.deepEqual(contentOf(disk), NEW);
  assert.deepEqual(contentOf(disk, ourPath(disk, "quarantine-old").slice(0, -1)), OLD);
  for (const lost of disk.powerLossStates()) {
    const found = contentOf(lost);
    assert.ok([JSON.stringify(OLD), JSON.stringify(NEW)].includes(JSON.stringify(found)), JSON.stringify(lost.tree()));
  }
});
