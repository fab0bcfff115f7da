/** Jobs that go on where they were: every item is done, at most a batch of them twice, whatever has changed in between. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, it } from "node:test";
import { isHoldfastError } from "holdfast";
import {
  Checkpoint,
  type Order,
  type ResumableOptions,
  type ResumeEvent,
  type ResumeResult,
  resumable,
} from "holdfast/checkpoint";
import { generationPath } from "../support/checkpoints.ts";
import { failing, freshMachine, withMachine } from "../support/machines.ts";
import { names, tempDir } from "../support/temp-dir.ts";

interface Item {
  readonly id: string;
}
const item = (index: number): Item => ({ id: String(index).padStart(6, "0") });
const items = (from: number, to: number): Item[] => Array.from({ length: to - from }, (_, index) => item(from + index));

type More = Partial<ResumableOptions<Item>>;

/** One life of a job. With `crashAt`, everything stops dead at so many items: nothing is saved after that. */
async function life(
  dir: string,
  source: Iterable<Item> | AsyncIterable<Item>,
  handler: (item: Item) => unknown,
  { crashAt, ...more }: More & { readonly crashAt?: number } = {},
): Promise<ResumeResult | "crashed"> {
  const crash = new TypeError("crash");
  let [count, dead] = [0, false];
  const machine = freshMachine((_call, proceed) => {
    if (dead) throw crash;
    return proceed();
  });
  return await withMachine(machine, async () => {
    const own = await Checkpoint.open(dir);
    const options = { key: ({ id }: Item) => id, checkpoint: own, every: { items: 10 }, ...more };
    try {
      return await resumable(source, options, async (one) => {
        if (count++ === crashAt) {
          dead = true;
          throw crash;
        }
        await handler(one);
      });
    } catch (error) {
      if (!dead) throw error;
      return "crashed";
    } finally {
      dead = false;
      await own.close();
    }
  });
}

/** Counts how often each item is done. */
class Done {
  readonly counts = new Map<string, number>();
  readonly add = ({ id }: Item): void => void this.counts.set(id, (this.counts.get(id) ?? 0) + 1);

  assertAll(expected: readonly Item[], twiceMax: number): void {
    for (const { id } of expected) assert.ok(this.counts.has(id), `${id} was not done`);
    const again = [...this.counts.values()].reduce((sum, count) => sum + count - 1, 0);
    assert.ok(again <= twiceMax, `${again} were done again`);
  }
}

describe("CKP-05 a job of which nothing is saved", () => {
  it("starts with the first item, and says so; then it is resumed, and says so; and once finished it stays so", async (t) => {
    const dir = tempDir(t);
    const started: ResumeEvent[] = [];
    const onProgress = (event: ResumeEvent): void => void (event.type === "started" && started.push(event));
    const done = new Done();
    await life(dir, items(0, 30), done.add, { crashAt: 15, onProgress });
    const result = await life(dir, items(0, 30), done.add, { onProgress, total: 30 });
    assert.deepEqual(result, { done: 30, skipped: 10, failed: 0, total: 30, processed: 20, failedKeys: [], saved: true });
    await life(dir, items(0, 32), done.add, { onProgress });
    assert.deepEqual(
      started.map((event) => event.type === "started" && [event.from, event.done]),
      [
        ["anew", 0],
        ["resumed", 10],
        ["resumed", 30],
      ],
    );
    done.assertAll(items(0, 32), 5);
    assert.equal(done.counts.get(item(31).id), 1, "what is new is done");
  });
});

describe("CKP-09 resume by key", () => {
  it("items with smaller keys that were deleted and inserted change nothing: each that is there is done", async (t) => {
    const dir = tempDir(t);
    const done = new Done();
    const before = items(0, 1000).map(({ id }) => ({ id: `${id}0` }));
    assert.equal(await life(dir, before, done.add, { crashAt: 400 }), "crashed");
    const inserted = items(100, 150).map(({ id }) => ({ id: `${id}5` }));
    const after = [...before.slice(50), ...inserted].sort((a, b) => (a.id < b.id ? -1 : 1));
    const result = await life(dir, after, done.add);
    assert.ok(result !== "crashed" && result.processed <= 600 + 50 + 10);
    done.assertAll(after, 10);
  });

  it("more keys than are kept as they are: in files of their own, few of them, and none is left over", async (t) => {
    const dir = tempDir(t);
    const done = new Done();
    const all = items(0, 5000);
    const many: More = { every: { items: 200 } };
    for (const crashAt of [1500, 1100, 900]) await life(dir, all, done.add, { ...many, crashAt });
    await life(dir, [...all].reverse(), done.add, many);
    done.assertAll(all, 600);
    assert.ok(done.counts.size === 5000);
    const parts = names(dir).filter((name) => name.startsWith("part"));
    assert.ok(parts.length >= 1 && parts.length <= 6, String(parts));
    fs.writeFileSync(`${dir}/${parts.at(-1)}`, "damage");
    const checkpoint = await Checkpoint.open(dir, { readOnly: true });
    await assert.rejects(checkpoint.load(), /its part part-[0-9-]+ is damaged/);
  });

  it("in ascending order one key says how far it is", async (t) => {
    const dir = tempDir(t);
    const done = new Done();
    const order: Order = "ascending";
    assert.equal(await life(dir, items(0, 500), done.add, { crashAt: 333, order, concurrency: 7 }), "crashed");
    const text = fs.readFileSync(generationPath(dir, 33), "utf8");
    assert.ok(text.length < 1000, text);
    const result = await life(dir, items(20, 600), done.add, { order, concurrency: 3 });
    assert.ok(result !== "crashed" && result.skipped >= 300);
    done.assertAll(items(0, 600), 10);
    const unordered = life(dir, [item(700), item(650)], done.add, { order });
    await assert.rejects(
      unordered,
      (error) => error instanceof RangeError && /"000650" comes after "000700"/.test(error.message),
    );
    await assert.rejects(life(dir, items(0, 1), done.add), /option order must be "ascending"/);
  });

  it("done above one that takes its time: that one is not forgotten", async (t) => {
    for (const order of ["any", "ascending"] as const) {
      const dir = tempDir(t);
      const done = new Done();
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      const slow = (one: Item): unknown => (one.id === item(3).id ? ended : done.add(one));
      const stop = new AbortController();
      const stopAt = (event: ResumeEvent): void => {
        if (event.type === "saved" && event.done >= 30) stop.abort();
      };
      const first = life(dir, items(0, 50), slow, { order, concurrency: 4, onProgress: stopAt, signal: stop.signal });
      await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
      const copy = tempDir(t); // as if it were killed now: what was saved meanwhile is what counts
      fs.cpSync(dir, copy, { recursive: true, filter: (from) => !from.endsWith("checkpoint.lock") }); // the other life has it
      const result = await life(copy, items(0, 50), done.add, { order });
      assert.ok(result !== "crashed" && result.skipped >= 30);
      done.assertAll(items(0, 50), 20);
      end();
      await Promise.allSettled([first]);
    }
  });
});

it("CKP-10 a source that has only what is not done yet shrinks while it is worked on: nothing is left out", async (t) => {
  const dir = tempDir(t);
  const outputs = new Set<string>();
  const lacking = function* (): Generator<Item> {
    for (const one of items(0, 1000)) if (!outputs.has(one.id)) yield one;
  };
  const handler = ({ id }: Item): void => void outputs.add(id);
  assert.equal(await life(dir, lacking(), handler, { crashAt: 400 }), "crashed");
  const result = await life(dir, lacking(), handler);
  assert.ok(result !== "crashed" && result.processed === 600);
  assert.equal(outputs.size, 1000);
});

it("CKP-12 fresh leaves what was saved until the first save of the new run", async (t) => {
  const dir = tempDir(t);
  const done = new Done();
  await life(dir, items(0, 40), done.add, { crashAt: 25 });
  await life(dir, items(0, 40), done.add, { fresh: true, crashAt: 5 });
  const result = await life(dir, items(0, 40), done.add, { fresh: false, crashAt: 3 });
  assert.equal(result, "crashed");
  const last = await life(dir, items(0, 40), done.add);
  assert.ok(last !== "crashed" && last.skipped === 20, "of the first run");
  const anew = await life(dir, items(0, 40), done.add, { fresh: true });
  assert.ok(anew !== "crashed" && anew.processed === 40);
});

it("CKP-13 a crash between the work and its save: it is done again, and the outputs are those of a run without crashes", async (t) => {
  const run = async (crashes: readonly number[]): Promise<[string, number]> => {
    const dir = tempDir(t);
    const outputs = new Map<string, string>();
    let calls = 0;
    const handler = ({ id }: Item): void => {
      calls++;
      outputs.set(id, `output of ${id}`);
    };
    for (const crashAt of crashes) assert.equal(await life(dir, items(0, 300), handler, { crashAt, concurrency: 3 }), "crashed");
    await life(dir, items(0, 300), handler);
    return [JSON.stringify([...outputs].sort()), calls];
  };
  const [whole, once] = await run([]);
  const [crashed, calls] = await run([17, 3, 99, 40]);
  assert.equal(crashed, whole);
  assert.equal(once, 300);
  assert.ok(calls > 300 && calls <= 300 + 4 * 10, `${calls}`);
});

describe("CKP-14 a disk on which no save goes any more", () => {
  const events = (): { readonly types: string[]; readonly onProgress: (event: ResumeEvent) => void } => {
    const types: string[] = [];
    return { types, onProgress: ({ type }) => void (type.startsWith("save") && types.push(type)) };
  };
  const onFullDisk = <T>(dir: string, body: (checkpoint: Checkpoint) => Promise<T>): Promise<T> =>
    withMachine(freshMachine(failing("write", "ENOSPC")), async () => {
      const checkpoint = await Checkpoint.open(dir);
      return await body(checkpoint).finally(() => checkpoint.close());
    });

  it('"stop": the job stops, and the old state is intact', async (t) => {
    const dir = tempDir(t);
    const done = new Done();
    await life(dir, items(0, 100), done.add, { crashAt: 25 });
    const before = names(dir);
    const { types, onProgress } = events();
    const stopped = onFullDisk(dir, (checkpoint) =>
      resumable(items(0, 100), { key: ({ id }) => id, checkpoint, every: { items: 10 }, onProgress }, done.add),
    );
    await assert.rejects(stopped, (error) => isHoldfastError(error, "NO_SPACE"));
    assert.ok(done.counts.size < 50 && types.every((type) => type === "save-failed"));
    assert.deepEqual(names(dir), before);
    await life(dir, items(0, 100), done.add);
    done.assertAll(items(0, 100), 30);
  });

  it('"continue-and-alarm": the work goes on, each failure is told, and the result says that it is not saved', async (t) => {
    const dir = tempDir(t);
    const done = new Done();
    const { types, onProgress } = events();
    const result = await onFullDisk(dir, (checkpoint) =>
      resumable(
        items(0, 100),
        { key: ({ id }) => id, checkpoint, every: { items: 10 }, onProgress, onSaveError: "continue-and-alarm" },
        done.add,
      ),
    );
    assert.deepEqual([result.processed, result.saved], [100, false]);
    assert.ok(types.length >= 10 && types.length <= 12 && types.every((type) => type === "save-failed"), String(types));
    assert.deepEqual(names(dir), ["checkpoint.lock"]);
  });
});

describe("items that fail", () => {
  const failingOn =
    (done: Done, ...ids: readonly string[]) =>
    (one: Item): void => {
      if (ids.includes(one.id)) throw new TypeError(`broken ${one.id}`);
      done.add(one);
    };

  for (const order of ["any", "ascending"] as const) {
    it(`"stop" saves first; "skip" goes on, and the next run tries them again (${order})`, async (t) => {
      const dir = tempDir(t);
      const done = new Done();
      const [bad, worse] = [item(35).id, item(36).id];
      const stopped = life(dir, items(0, 50), failingOn(done, bad), { order });
      await assert.rejects(stopped, /broken 000035/);
      const skipped = await life(dir, items(0, 50), failingOn(done, bad, worse), { order, onError: "skip" });
      assert.deepEqual(skipped, {
        done: 48,
        skipped: 35,
        failed: 2,
        total: undefined,
        processed: 13,
        failedKeys: [bad, worse],
        saved: true,
      });
      const last = await life(dir, items(0, 50), failingOn(done, worse), {
        order,
        onError: (_error, _item, key) => (key === worse ? "skip" : "stop"),
      });
      assert.ok(last !== "crashed" && last.processed === 1 && last.failed === 1 && last.done === 49);
      done.assertAll(items(0, 36), 0);
    });
  }

  it("a key that is none stops the job", async (t) => {
    const wrong = life(tempDir(t), items(0, 5), () => {}, { key: () => undefined as never });
    await assert.rejects(wrong, (error) => error instanceof TypeError && /key of an item/.test(error.message));
  });

  it("a source that fails stops it, and what is done is saved", async (t) => {
    const dir = tempDir(t);
    const broken = async function* (): AsyncGenerator<Item> {
      yield* items(0, 15);
      throw new TypeError("the source is broken");
    };
    await assert.rejects(
      life(dir, broken(), () => {}),
      /the source is broken/,
    );
    const result = await life(dir, items(0, 20), () => {});
    assert.ok(result !== "crashed" && result.skipped === 15);
  });
});

describe("a clean stop", () => {
  it("finishes what is under way, saves, and says how far it is; the source is left", async (t) => {
    const dir = tempDir(t);
    const stop = new AbortController();
    let [left, ended] = [false, 0];
    const endless = (function* (): Generator<Item> {
      try {
        for (let index = 0; ; index++) yield item(index);
      } finally {
        left = true;
      }
    })();
    const stopped = life(
      dir,
      endless,
      async ({ id }) => {
        if (id === item(23).id) stop.abort();
        await new Promise((resolve) => setImmediate(resolve));
        ended++;
      },
      { concurrency: 4, signal: stop.signal },
    );
    await assert.rejects(stopped, (error) => {
      assert.ok(isHoldfastError(error, "ABORTED") && error.outcome === "committed");
      return error.details["done"] === ended;
    });
    assert.ok(left && ended >= 24);
    const result = await life(dir, items(0, 40), () => {});
    assert.ok(result !== "crashed" && result.skipped === ended, "nothing is done again");
  });

  it("a source that never answers does not keep it waiting, and what is done is saved after every.ms", async (t) => {
    const dir = tempDir(t);
    const stop = new AbortController();
    const silent = (async function* (): AsyncGenerator<Item> {
      yield* items(0, 3);
      await new Promise(() => {});
    })();
    const saved = (event: ResumeEvent): void => {
      if (event.type === "saved") stop.abort();
    };
    const stopped = life(dir, silent, () => {}, { every: { ms: 20 }, onProgress: saved, signal: stop.signal });
    await assert.rejects(stopped, (error) => isHoldfastError(error, "ABORTED"));
    const result = await life(dir, items(0, 3), () => {});
    assert.ok(result !== "crashed" && result.skipped === 3);
  });
});

it("wrong options are refused before an item is asked for", async (t) => {
  const checkpoint = await Checkpoint.open(tempDir(t));
  t.after(() => checkpoint.close());
  const options = { key: (one: number) => one, checkpoint };
  const wrong: readonly (readonly [object, ErrorConstructor])[] = [
    [{ checkpoint }, TypeError as never],
    [{ ...options, batch: 3 }, TypeError as never],
    [{ ...options, every: { items: 0 } }, RangeError as never],
    [{ ...options, onError: "ignore" }, RangeError as never],
    [{ ...options, order: "random" }, RangeError as never],
  ];
  const untouched = {
    [Symbol.iterator](): Iterator<number> {
      throw new TypeError("it was asked");
    },
  };
  for (const [given, kind] of wrong)
    await assert.rejects(
      resumable(untouched, given as never, () => {}),
      kind,
    );
});
