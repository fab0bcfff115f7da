import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertForPeople, holdfast, jsonLine } from "./command.ts";

interface Result {
  readonly name: string;
  readonly control: boolean;
  readonly ok: boolean;
  readonly states: number;
  readonly violations: number;
  readonly trace?: string;
}

describe("holdfast prove", () => {
  it("breaks no promise, and catches every control", async () => {
    const { code, stdout, stderr } = await holdfast(["prove", "--json", "--seed", "5"]);
    assert.equal(stderr, "");
    const proof = jsonLine(stdout);
    assert.deepEqual([code, proof["type"], proof["holds"], proof["seed"]], [0, "proof", true, 5]);
    const results = proof["results"] as readonly Result[];
    const controls = results.filter(({ control }) => control);
    assert.ok(controls.length >= 4 && results.length > controls.length);
    for (const { name, control, ok, states, violations, trace } of results) {
      assert.ok(ok && states > 0, name);
      assert.equal(violations > 0, control, name);
      assert.equal(trace !== undefined, control, name);
    }
  });

  it("prints a table of 80 columns", async () => {
    const ended = await holdfast(["prove"]);
    assert.equal(ended.code, 0);
    assertForPeople(ended);
    assert.match(ended.stdout, /^replace +\d+ +\d+ +0 +holds$/m);
    for (const line of ended.stdout.split("\n")) assert.ok(line.length <= 80, line);
  });
});
