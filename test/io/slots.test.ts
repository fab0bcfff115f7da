/** Places for whole programs: in order, abortable, and none is ever lost. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { never } from "../../dist/io/abort.js";
import type { Machine } from "../../dist/io/io.js";
import { type MachineSlots, slotsOf } from "../../dist/io/slots.js";
import { SOURCES_AT_ONCE as PLACES, PROGRAMS_AT_ONCE } from "../../dist/util/limits.js";
import { seeded } from "../support/seeded.ts";
import { gate } from "../support/sources.ts";

/** The places for sources of a machine that nobody else uses. */
const places = (): MachineSlots["sources"] => slotsOf({} as Machine).sources;

describe("slots", () => {
  test("let in as many as there are places, and the others in the order they came", async () => {
    const slots = places();
    const gates = Array.from({ length: PLACES + 4 }, () => gate());
    const begun: number[] = [];
    const all = gates.map(({ passed }, index) =>
      slots.use(never, async () => {
        begun.push(index);
        await passed;
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    const order = gates.map((_, index) => index);
    assert.deepEqual(begun, order.slice(0, PLACES));
    gates[1]?.open();
    await all[1];
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(begun, order.slice(0, PLACES + 1));
    for (const { open } of gates) open();
    await Promise.all(all);
    assert.deepEqual(begun, order);
  });

  test("give the place back when the body fails, at once or later", async () => {
    const slots = places();
    const failed = new Error("failed");
    for (let count = 0; count < PLACES; count++) {
      await assert.rejects(
        slots.use(never, () => Promise.reject(failed)),
        failed,
      );
      await assert.rejects(
        slots.use(never, () => {
          throw failed;
        }),
        failed,
      );
    }
    assert.equal(await slots.use(never, async () => 7), 7);
  });

  test("let one go who waits and is aborted, without a place and without its body", async () => {
    const slots = places();
    const hold = gate();
    const first = Array.from({ length: PLACES }, () => slots.use(never, () => hold.passed));
    const control = new AbortController();
    let ran = false;
    const second = slots.use(control.signal, async () => {
      ran = true;
    });
    const third = slots.use(never, async () => "third");
    control.abort("enough");
    await assert.rejects(second, { code: "ABORTED", cause: "enough" });
    hold.open();
    await Promise.all(first);
    assert.equal(await third, "third");
    assert.equal(ran, false);
  });

  test("of one machine are not those of another, nor those for sources those for the rest", () => {
    const machine = {} as Machine;
    assert.equal(slotsOf(machine), slotsOf(machine));
    assert.notEqual(slotsOf(machine), slotsOf({} as Machine));
    assert.notEqual(slotsOf(machine).programs, slotsOf(machine).sources);
    assert.ok(2 * PROGRAMS_AT_ONCE + 2 * PLACES < 128 - 24, "with what Node has open itself, ulimit -n 128 is enough");
  });

  test("lose no place when the abort comes in any of the microtasks in which the turn is given", async () => {
    for (let microtasks = 0; microtasks <= 12; microtasks++) {
      const slots = places();
      const hold = gate();
      const first = Array.from({ length: PLACES }, () => slots.use(never, () => hold.passed));
      const control = new AbortController();
      const waiting = Array.from({ length: PLACES }, () => slots.use(control.signal, async () => {}));
      const settled = Promise.allSettled(waiting);
      hold.open();
      for (let count = 0; count < microtasks; count++) await undefined;
      control.abort();
      await Promise.all([...first, settled]);
      const again = gate();
      let begun = 0;
      const full = Array.from({ length: PLACES }, () =>
        slots.use(never, () => {
          begun++;
          return again.passed;
        }),
      );
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(begun, PLACES, `aborted after ${microtasks} microtasks`);
      again.open();
      await Promise.all(full);
    }
  });

  test("lose no place when an abort and the turn come together, in 500 random schedules", async (t) => {
    const random = seeded(t);
    const slots = places();
    let inside = 0;
    let most = 0;
    const one = async (): Promise<void> => {
      const control = new AbortController();
      const aborts = random.int(2) === 0;
      const work = slots.use(aborts ? control.signal : never, async () => {
        most = Math.max(most, ++inside);
        for (let turns = random.int(3); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
        inside--;
        if (random.int(5) === 0) throw new Error("failed");
      });
      work.catch(() => {}); // looked at below, after some turns
      for (let turns = random.int(4); turns > 0; turns--)
        await (random.int(2) === 0 ? undefined : new Promise((resolve) => setImmediate(resolve)));
      if (aborts) control.abort();
      await work.catch(() => {});
    };
    await Promise.all(Array.from({ length: 500 }, one));
    assert.equal(inside, 0);
    assert.equal(most, PLACES);
    const hold = gate();
    let begun = 0;
    const full = Array.from({ length: PLACES }, () =>
      slots.use(never, () => {
        begun++;
        return hold.passed;
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(begun, PLACES, "all places are there");
    hold.open();
    await Promise.all(full);
  });
});
