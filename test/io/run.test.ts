/** The two loops: what an error says about the disk, who cleans up when, and which error stands. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HoldfastError } from "holdfast";
import type { Io, IoSync, Op } from "../../dist/io/io.js";
import {
  all,
  cleanUp,
  commit,
  ensure,
  NotApplied,
  onFailure,
  type Program,
  quietly,
  rename,
  syncDir,
  unlink,
  wait,
} from "../../dist/io/program.js";
import { run, runSync } from "../../dist/io/run.js";
import { type Around, systemError, wrapIo } from "../support/machines.ts";
import { made, NEW, OLD, oldDisk, PATH, processOf, replace } from "../support/programs.ts";

type Drive = <T>(program: Program<T>, machine: { readonly io: Io; readonly sync: IoSync }) => T | Promise<T>;
const LOOPS: readonly [string, Drive][] = [
  ["run", (program, { io }) => run(program, io)],
  ["runSync", (program, { sync }) => runSync(program, sync)],
];

/** Counts requests; calls `then` with the number and name of each after it was answered. */
function numbered(then: (nth: number, op: Op) => void): Around {
  let nth = 0;
  return (call, proceed) => {
    const mine = nth++;
    const reply = proceed();
    if (!(reply instanceof Promise)) {
      then(mine, call.op);
      return reply;
    }
    return reply.finally(() => then(mine, call.op));
  };
}

for (const [name, drive] of LOOPS) {
  describe(name, () => {
    test("gives a program its replies and returns its value", async () => {
      const disk = oldDisk();
      const { sizeBytes, dirSynced } = await drive(replace(), processOf(disk));
      assert.deepEqual([sizeBytes, dirSynced, disk.readText(PATH)], [8, true, NEW]);
      assert.deepEqual([made(disk), disk.openPaths()], [[], []]);
    });

    test("every request failing, applied or not: the outcome agrees with the disk, nothing stays open", async () => {
      let failures = 0;
      for (const applied of [false, true]) {
        for (let nth = 0; ; nth++) {
          const disk = oldDisk();
          let count = 0;
          let failed: Op | undefined;
          const around: Around = (call, proceed) => {
            if (count++ !== nth) return proceed();
            failed = call.op;
            const fail = (): never => {
              throw systemError("EIO", call.op);
            };
            if (!applied || ["open", "traits", "random", "now"].includes(call.op)) return fail();
            const reply = proceed();
            return reply instanceof Promise ? reply.then(fail) : fail();
          };
          const error = await Promise.resolve()
            .then(() => drive(replace(), processOf(disk, around)))
            .then(
              () => undefined,
              (caught: unknown) => caught as HoldfastError,
            );
          if (failed === undefined) break;
          failures++;
          const found = disk.readText(PATH);
          const about = `${failed}, ${applied ? "applied" : "not applied"}: ${error?.outcome}, ${found}`;
          if (error === undefined || error.outcome === "committed") assert.equal(found, NEW, about);
          else if (error.outcome === "unchanged") assert.equal(found, OLD, about);
          else assert.ok(found === OLD || found === NEW, about);
          if (failed !== "close" && failed !== "unlink") assert.deepEqual(disk.openPaths(), [], about);
          if (error?.outcome === "unchanged" && failed !== "unlink") assert.deepEqual(made(disk), [], about);
        }
      }
      assert.ok(failures >= 20, `${failures} failures`);
    });

    test("the first error stands when the clean-up fails too, and a failed clean-up is no error of its own", async () => {
      let broken = false;
      const around: Around = (call, proceed) => {
        if (call.op === "syncFile") broken = true;
        if (broken) throw systemError(call.op === "syncFile" ? "ENOSPC" : "EIO", call.op);
        return proceed();
      };
      await assert.rejects(async () => drive(replace(), processOf(oldDisk(), around)), {
        code: "NO_SPACE",
        outcome: "unchanged",
        details: { errno: "ENOSPC" },
      });
    });

    test("ensure releases after success and after failure; after success its error is one", async () => {
      const events: string[] = [];
      const release = function* (): Program<void> {
        events.push("release");
        yield* syncDir("/d");
      };
      await drive(ensure(syncDir("/d"), release), processOf(oldDisk()));
      await assert.rejects(async () => drive(ensure(unlink("/d/absent"), release), processOf(oldDisk())), {
        details: { errno: "ENOENT" },
      });
      assert.deepEqual(events, ["release", "release"]);
      await assert.rejects(
        async () =>
          drive(
            ensure(syncDir("/d"), () => unlink("/d/absent")),
            processOf(oldDisk()),
          ),
        { details: { errno: "ENOENT" } },
      );
    });

    test("onFailure undoes only what is unchanged: nothing once a commit was tried", async () => {
      const disk = oldDisk();
      const tried = onFailure(
        commit(rename(PATH, "/d/b"), () => unlink("/d/absent")),
        () => unlink("/d/b"),
      );
      await assert.rejects(async () => drive(tried, processOf(disk)), { outcome: "unknown" });
      assert.equal(disk.readText("/d/b"), OLD, "what a reader may hold is not taken back");
      const untried = onFailure(unlink("/d/absent"), () => unlink("/d/b"));
      await assert.rejects(async () => drive(untried, processOf(disk)), { outcome: "unchanged" });
      assert.equal(disk.readText("/d/b"), undefined);
    });

    test("a commit step that has looked and found nothing done leaves the outcome unchanged", async () => {
      const step = function* (): Program<void> {
        yield* syncDir("/d");
        throw new NotApplied(systemError("EACCES", "rename"));
      };
      await assert.rejects(
        async () =>
          drive(
            commit(step(), () => syncDir("/d")),
            processOf(oldDisk()),
          ),
        { code: "PERMISSION", outcome: "unchanged" },
      );
    });

    test("an error after the commit says committed", async () => {
      const body = function* (): Program<void> {
        yield* commit(rename(PATH, "/d/b"), () => syncDir("/d"));
        yield* unlink("/d/absent");
      };
      await assert.rejects(async () => drive(body(), processOf(oldDisk())), { code: "IO", outcome: "committed" });
    });

    test("a commit in a branch is refused before it is made, and so is a second unit in one", async () => {
      const disk = oldDisk();
      const branch = all([commit(rename(PATH, "/d/b"), () => syncDir("/d"))]);
      await assert.rejects(async () => drive(branch, processOf(disk)), { code: "ASSERTION", message: /commits once/ });
      assert.equal(disk.readText(PATH), OLD);
    });

    test("quietly and cleanUp swallow errors of the machine, never one of Holdfast's own rules", async () => {
      await drive(quietly(unlink("/d/absent")), processOf(oldDisk()));
      await drive(
        cleanUp(() => unlink("/d/absent")),
        processOf(oldDisk()),
      );
      const broken = quietly(all([commit(rename(PATH, "/d/b"), () => syncDir("/d"))]));
      await assert.rejects(async () => drive(broken, processOf(oldDisk())), { code: "ASSERTION" });
    });

    test("wrong arguments inside a program stay what they are", async () => {
      const body = function* (): Program<void> {
        yield* syncDir("/d");
        throw new TypeError("wrong");
      };
      await assert.rejects(async () => drive(body(), processOf(oldDisk())), { name: "TypeError", message: "wrong" });
    });
  });
}

test("runSync refuses a wait that has no synchronous form, and the program cleans up", () => {
  const disk = oldDisk();
  const source = { next: { async: async () => undefined }, leave: () => {} };
  assert.throws(() => runSync(replace(source), processOf(disk).sync), /writeFile instead of writeFileSync/);
  assert.deepEqual([made(disk), disk.openPaths(), disk.readText(PATH)], [[], [], OLD]);
});

test("numbered requests: both loops make the same ones, in the same order", async () => {
  const record = async (drive: Drive): Promise<Op[]> => {
    const ops: Op[] = [];
    const { io, sync } = oldDisk().process();
    const around = numbered((_nth, op) => ops.push(op));
    await drive(replace(), { io: wrapIo(io, around), sync: wrapIo(sync, around) });
    return ops;
  };
  const [[, first], [, second]] = LOOPS as readonly [[string, Drive], [string, Drive]];
  // The asynchronous loop closes the file beside the sync of the directory.
  assert.deepEqual((await record(first)).sort(), (await record(second)).sort());
});

test("a wait gives its value, asynchronous or not", async () => {
  const program = function* (): Program<unknown[]> {
    return [yield* wait({ async: () => 1, sync: () => 1 }), yield* wait({ async: async () => 2, sync: () => 2 })];
  };
  assert.deepEqual(await run(program(), oldDisk().process().io), [1, 2]);
  assert.deepEqual(runSync(program(), oldDisk().process().sync), [1, 2]);
});
