/** An abort in the loops: heard between requests and in waits, up to the commit; never a leftover. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HoldfastError } from "holdfast";
import {
  all,
  cleanUp,
  commit,
  ensure,
  onFailure,
  type Program,
  rename,
  sleep,
  syncDir,
  unlink,
  wait,
} from "../../dist/io/program.js";
import { run } from "../../dist/io/run.js";
import { wrapIo } from "../support/machines.ts";
import {
  bytes,
  made,
  NEW,
  OLD,
  oldDisk,
  PATH,
  processOf,
  publishSet,
  replace,
  scheduled,
  stalledSource,
} from "../support/programs.ts";
import { seeded } from "../support/seeded.ts";

const outcomeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "committed",
    (error: HoldfastError) => `${error.code} ${error.outcome}`,
  );

describe("an abort", () => {
  test("after every single request: honoured before the commit, ignored from it on, and never a leftover", async () => {
    let committed = false;
    for (let nth = 0; ; nth++) {
      const disk = oldDisk();
      const control = new AbortController();
      const ops: string[] = [];
      const machine = processOf(disk, async (call, proceed) => {
        const reply = await proceed();
        if (ops.push(call.op) === nth + 1) control.abort();
        return reply;
      });
      const outcome = await outcomeOf(run(replace(), machine.io, control.signal));
      assert.deepEqual([made(disk), disk.openPaths()], [[], []], `after ${ops[nth]}`);
      if (ops.length <= nth) break;
      committed ||= ops[nth] === "rename";
      assert.equal(outcome, committed ? "committed" : "ABORTED unchanged", `after request ${nth}, ${ops[nth]}`);
      assert.equal(disk.readText(PATH), committed ? NEW : OLD);
    }
    assert.ok(committed);
  });

  test("ends the wait for a stalled source, and cleans up", async () => {
    const disk = oldDisk();
    const control = new AbortController();
    let asked!: () => void;
    const begun = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const next = async (): Promise<undefined> => {
      asked();
      return await new Promise(() => {});
    };
    const work = run(replace({ ...stalledSource, next: { async: next } }), disk.process().io, control.signal);
    await begun;
    control.abort();
    await assert.rejects(work, { code: "ABORTED", outcome: "unchanged" });
    assert.deepEqual([made(disk), disk.openPaths()], [[], []]);
  });

  test("hands the signal to what is waited for", async () => {
    const control = new AbortController();
    let heard = false;
    const program = wait({
      async: (signal) => {
        signal.addEventListener("abort", () => (heard = true));
        control.abort();
        return new Promise(() => {});
      },
    });
    await assert.rejects(run(program, oldDisk().process().io, control.signal), { code: "ABORTED" });
    assert.ok(heard);
  });

  test("ends a sleep", async () => {
    const control = new AbortController();
    const io = wrapIo(oldDisk().process().io, (call, proceed) => {
      if (call.op !== "sleep") return proceed();
      queueMicrotask(() => control.abort());
      return new Promise(() => {});
    });
    await assert.rejects(run(sleep(1000), io, control.signal), { code: "ABORTED" });
  });

  test("stops a program that swallows it, at its commit at the latest", async () => {
    const disk = oldDisk();
    const deaf = function* (): Program<void> {
      for (let turn = 0; turn < 3; turn++) {
        try {
          yield* wait({ async: () => 1 });
        } catch (ignored) {
          void ignored;
        }
      }
      yield* commit(rename(PATH, "/d/b"), () => syncDir("/d"));
    };
    await assert.rejects(run(deaf(), disk.process().io, AbortSignal.abort()), { code: "ABORTED", outcome: "unchanged" });
    assert.equal(disk.readText(PATH), OLD);
  });

  test("stops a commit inside a shield too", async () => {
    const disk = oldDisk();
    const work = cleanUp(() => commit(rename(PATH, "/d/b"), () => syncDir("/d")));
    await outcomeOf(run(work, disk.process().io, AbortSignal.abort()));
    assert.equal(disk.readText(PATH), OLD);
  });

  test("does not reach what releases and what undoes", async () => {
    const disk = oldDisk();
    const control = new AbortController();
    const events: string[] = [];
    const step = (name: string, more: () => void = () => {}): Program<void> =>
      (function* () {
        yield* syncDir("/d");
        more();
        events.push(name);
      })();
    const body = onFailure(
      ensure(
        step("body", () => control.abort()),
        () => step("release"),
      ),
      () => step("undo"),
    );
    await run(body, disk.process().io, control.signal);
    assert.deepEqual(events, ["body", "release"], "it was over before the abort was looked at");
    events.length = 0;
    await assert.rejects(
      run(
        onFailure(
          ensure(step("body"), () => step("release")),
          () => step("undo"),
        ),
        disk.process().io,
        control.signal,
      ),
    );
    assert.deepEqual(events, ["release", "undo"], "the body was stopped, the rest was not");
  });

  test("inside all(), after every request, in 200 interleavings: settled, and cleaned up by the branches too", async (t) => {
    const random = seeded(t);
    const members = new Map(["m1", "m2", "m3"].map((name) => [name, bytes(name)]));
    let unchanged = 0;
    for (let round = 0; round < 200; round++) {
      const disk = oldDisk();
      const control = new AbortController();
      let count = 0;
      const nth = random.int(30);
      const machine = processOf(disk, async (_call, proceed) => {
        const reply = await proceed();
        if (count++ === nth) control.abort();
        return reply;
      });
      const outcome = await outcomeOf(run(publishSet(members), scheduled(machine.io, random), control.signal));
      assert.deepEqual(disk.openPaths(), [], `round ${round}`);
      if (outcome !== "committed") {
        unchanged++;
        assert.equal(outcome, "ABORTED unchanged");
        assert.deepEqual(made(disk), [], `round ${round}`);
        continue;
      }
      for (const member of (disk.readText("/d/record") ?? "").split(",")) assert.ok(disk.readText(member));
    }
    assert.ok(unchanged > 50 && unchanged < 200, `${unchanged} of 200 were aborted in time`);
  });

  test("after the commit keeps no branch of what follows from running", async () => {
    const control = new AbortController();
    const applied: number[] = [];
    const apply = function* (): Program<void> {
      yield* commit(rename(PATH, "/d/b"), () => syncDir("/d"));
      yield* all(
        [0, 1, 2, 3].map(function* (index): Program<void> {
          yield* wait({
            async: () => {
              if (index === 0) control.abort();
            },
          });
          yield* syncDir("/d");
          applied.push(index);
        }),
        1,
      );
    };
    await run(apply(), oldDisk().process().io, control.signal);
    assert.deepEqual(applied, [0, 1, 2, 3]);
  });

  test("of a sibling's failure is not the error of the unit", async () => {
    const waits = function* (): Program<void> {
      yield* wait({ async: () => new Promise(() => {}) });
    };
    const work = run(all([waits(), waits(), unlink("/d/absent")]), oldDisk().process().io);
    await assert.rejects(work, (error: HoldfastError) => error.code === "IO" && error.details["alsoFailed"] === undefined);
  });
});
