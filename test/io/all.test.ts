/** Branches of one program: settled before anybody cleans up, and the first error stands. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HoldfastError } from "holdfast";
import { all, onFailure, open, type Program, syncDir, unlink } from "../../dist/io/program.js";
import { run } from "../../dist/io/run.js";
import { type Around, failing, systemError } from "../support/machines.ts";
import { bytes, made, OLD, oldDisk, PATH, processOf, publishSet, replace, scheduled } from "../support/programs.ts";
import { seeded } from "../support/seeded.ts";

describe("all", () => {
  const members = new Map(["m1", "m2", "m3"].map((name) => [name, bytes(name)]));

  test("has settled before anybody cleans up: 200 interleavings with a failing request, and none after the rejection", async (t) => {
    const random = seeded(t);
    let failures = 0;
    for (let round = 0; round < 200; round++) {
      const disk = oldDisk();
      let over = false;
      let count = 0;
      const nth = random.int(30);
      const around: Around = (call, proceed) => {
        assert.ok(!over, `round ${round}: ${call.op} after the rejection`);
        if (count++ === nth) throw systemError("EIO", call.op);
        return proceed();
      };
      const { io } = processOf(disk, around);
      const error = await run(publishSet(members), scheduled(io, random)).then(
        () => undefined,
        (caught: unknown) => caught as HoldfastError,
      );
      over = true;
      if (error) failures++;
      if (error?.outcome === "unchanged") assert.equal(disk.readText("/d/record"), undefined);
      for (const member of (disk.readText("/d/record") ?? "").split(",").filter(Boolean))
        assert.ok(disk.readText(member), `round ${round}: the record names ${member}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(failures > 100, `${failures} failures`);
  });

  test("throws the first error, says how many more there were, and starts no further branch", async () => {
    const started: number[] = [];
    const branch = function* (index: number): Program<void> {
      started.push(index);
      yield* syncDir("/d");
      yield* unlink(`/d/absent-${index}`);
    };
    const { io } = processOf(oldDisk());
    const work = run(all([0, 1, 2, 3, 4, 5].map(branch), 2), io);
    await assert.rejects(work, (error: HoldfastError) => {
      assert.deepEqual(
        [error.code, error.details["errno"], error.details["alsoFailed"] ?? 0, error.path],
        ["IO", "ENOENT", 1, "/d/absent-0"],
      );
      return true;
    });
    assert.deepEqual(started, [0, 1]);
  });

  test("keeps to its limit, and gives results in the order of the branches", async (t) => {
    let now = 0;
    let most = 0;
    const branch = function* (index: number): Program<number> {
      most = Math.max(most, ++now);
      yield* syncDir("/d");
      now--;
      return index;
    };
    const io = scheduled(processOf(oldDisk()).io, seeded(t));
    assert.deepEqual(await run(all([0, 1, 2, 3, 4, 5, 6].map(branch), 3), io), [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(most, 3);
    assert.deepEqual(await run(all([]), io), []);
  });

  test("a branch that waits for a stalled source does not hold up a sibling's failure", async () => {
    const disk = oldDisk();
    const stalled = { next: { async: () => new Promise<undefined>(() => {}) }, leave: () => {} };
    const { io } = processOf(disk, failing("syncFile", "ENOSPC"));
    const work = run(
      publishSet(
        new Map([
          ["m1", bytes("1")],
          ["m2", stalled as never],
        ]),
      ),
      io,
    );
    await assert.rejects(work, { code: "NO_SPACE", outcome: "unchanged" });
    assert.deepEqual([made(disk), disk.openPaths()], [[], []]);
  });

  test("negative control: undo after an unknown commit deletes what the record names", async () => {
    const careless = function* (): Program<void> {
      const file = yield* open("/d/member", "create");
      void file;
      try {
        yield* replace(bytes("/d/member"), "/d/record");
      } catch (error) {
        yield* unlink("/d/member");
        throw error;
      }
    };
    const disk = oldDisk();
    await assert.rejects(run(careless(), processOf(disk, failing("syncDir", "EIO")).io), { outcome: "unknown" });
    assert.deepEqual([disk.readText("/d/record"), disk.readText("/d/member")], ["/d/member", undefined]);
    // With onFailure in its place the member stays.
    const careful = onFailure(replace(bytes("/d/other"), "/d/record2"), () => unlink("/d/a"));
    await assert.rejects(run(careful, processOf(disk, failing("syncDir", "EIO")).io), { outcome: "unknown" });
    assert.equal(disk.readText(PATH), OLD);
  });
});
