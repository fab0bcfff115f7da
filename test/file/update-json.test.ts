/** updateJson: values instead of bytes, and a schema for both the old one and the new one. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { readJson, updateJson } from "holdfast";
import * as v from "valibot";
import * as z from "zod";
import { tempDir } from "../support/temp-dir.ts";

function withFile(t: TestContext, text?: string): string {
  const file = path.join(tempDir(t), "file.json");
  if (text !== undefined) fs.writeFileSync(file, text);
  return file;
}

describe("updateJson", () => {
  test("gives undefined for an absent file, then the value; what comes back is written with its indent", async (t) => {
    const file = withFile(t);
    const increment = (old: { count: number } = { count: 0 }): { count: number } => ({ count: old.count + 1 });
    await updateJson(file, increment);
    await updateJson(file, async (old: { count: number } | undefined) => increment(old), { indent: 0 });
    assert.equal(fs.readFileSync(file, "utf8"), '{"count":2}\n');
    await updateJson(file, increment, { indent: 4 });
    assert.equal(fs.readFileSync(file, "utf8"), '{\n    "count": 3\n}\n');
    assert.deepEqual(await updateJson(file, () => undefined), { changed: false });
    assert.deepEqual(await readJson(file), { count: 3 });
  });

  test("null and false are values", async (t) => {
    const file = withFile(t);
    for (const value of [null, false, 0, ""]) {
      await updateJson<unknown>(file, () => value);
      await updateJson<unknown>(file, (old) => void assert.equal(old, value));
    }
  });

  test("an object that was changed in place counts once it is returned, and not before", async (t) => {
    const file = withFile(t, '{"list":[]}');
    await updateJson<{ list: number[] }>(file, (old) => void old?.list.push(1));
    assert.deepEqual(await readJson(file), { list: [] });
    await updateJson<{ list: number[] }>(file, (old) => {
      old?.list.push(1);
      return old;
    });
    assert.deepEqual(await readJson(file), { list: [1] });
  });

  test("a file that is empty or no JSON is never taken for absent", async (t) => {
    for (const text of ["", "{", '{"a":1']) {
      const file = withFile(t, text);
      await assert.rejects(
        updateJson(file, () => assert.fail("must not be asked")),
        { code: "CORRUPT_JSON", outcome: "unchanged" },
      );
      assert.equal(fs.readFileSync(file, "utf8"), text);
    }
  });

  for (const [name, schema] of Object.entries({
    zod: z.object({ count: z.number() }),
    valibot: v.object({ count: v.number() }),
  })) {
    test(`a schema of ${name} is asked about both values; what does not match changes nothing`, async (t) => {
      const file = withFile(t, '{"count":1,"more":true}');
      await updateJson(file, (old) => ({ count: (old?.count ?? 0) + 1 }), { schema });
      assert.deepEqual(await readJson(file), { count: 2 });
      const before = fs.statSync(file, { bigint: true }).ino;
      await assert.rejects(
        updateJson(file, () => ({ count: "three" }) as unknown as { count: number }, { schema }),
        { code: "SCHEMA_MISMATCH", outcome: "unchanged", path: file },
      );
      assert.equal(fs.statSync(file, { bigint: true }).ino, before);
      fs.writeFileSync(file, '{"count":"one"}');
      await assert.rejects(
        updateJson(file, () => assert.fail("must not be asked"), { schema }),
        { code: "SCHEMA_MISMATCH" },
      );
      assert.equal(fs.readFileSync(file, "utf8"), '{"count":"one"}');
    });
  }

  test("a value without a text is a TypeError, and changes nothing", async (t) => {
    const file = withFile(t, "1");
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const value of [() => {}, cycle, 1n])
      await assert.rejects(
        updateJson<unknown>(file, () => value),
        TypeError,
      );
    assert.equal(fs.readFileSync(file, "utf8"), "1");
  });

  test("50 at once: none is lost", async (t) => {
    const file = withFile(t);
    const one = (): Promise<unknown> =>
      updateJson<number>(file, (old = 0) => old + 1, { durability: "volatile", lockTimeoutMs: 60_000 });
    await Promise.all(Array.from({ length: 50 }, one));
    assert.equal(await readJson(file), 50);
  });
});
