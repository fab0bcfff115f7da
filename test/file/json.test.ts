/** JSON: absent, empty, corrupt and wrong are four different things, and nothing that has no text is written. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type HoldfastError, readJson, type StandardSchema, writeJson } from "holdfast";
import * as v from "valibot";
import * as z from "zod";
import { leftovers, tempDir } from "../support/temp-dir.ts";

function withFile(t: TestContext, text?: string | Uint8Array): string {
  const file = path.join(tempDir(t), "file.json");
  if (text !== undefined) fs.writeFileSync(file, text);
  return file;
}

describe("readJson", () => {
  test("gives what writeJson was given", async (t) => {
    const file = withFile(t);
    for (const value of [{ a: [1, null, "\u00e9\u{1f600}"], b: { c: true } }, [], "", 0, null, false]) {
      const { sizeBytes } = await writeJson(file, value);
      assert.equal(sizeBytes, fs.statSync(file).size);
      assert.deepEqual(await readJson(file), value);
    }
  });

  test("tells an absent file, an empty one and one that is no JSON apart", async (t) => {
    const file = withFile(t);
    await assert.rejects(readJson(file), { code: "NOT_FOUND", kind: "missing", path: file });
    for (const text of ["", " ", "{", '{"a":1', '{"a":1}}', "\0\0\0\0", "undefined", "NaN", "{'a':1}"]) {
      fs.writeFileSync(file, text);
      await assert.rejects(readJson(file), {
        code: "CORRUPT_JSON",
        kind: "corrupt",
        path: file,
        details: { sizeBytes: text.length },
      });
    }
    fs.writeFileSync(file, "");
    await assert.rejects(readJson(file), /empty/);
    assert.equal(fs.statSync(file).size, 0, "a reader repairs nothing");
  });

  test("ignores a byte order mark, one only", async (t) => {
    assert.deepEqual(await readJson(withFile(t, '\ufeff{"a":1}')), { a: 1 });
    await assert.rejects(readJson(withFile(t, '\ufeff\ufeff{"a":1}')), { code: "CORRUPT_JSON" });
  });

  test("names the path as it was given, and keeps the parser's error", async (t) => {
    const file = withFile(t, "{");
    const error = (await readJson(file).catch((caught: unknown) => caught)) as HoldfastError;
    assert.equal(error.path, file);
    assert.ok(error.cause instanceof SyntaxError);
  });
});

describe("writeJson", () => {
  test("ends with a newline and is indented as asked", async (t) => {
    const file = withFile(t);
    for (const [options, text] of [
      [undefined, '{\n  "a": 1\n}\n'],
      [{ indent: 0 }, '{"a":1}\n'],
      [{ indent: 4 }, '{\n    "a": 1\n}\n'],
    ] as const) {
      await writeJson(file, { a: 1 }, options);
      assert.equal(fs.readFileSync(file, "utf8"), text);
    }
  });

  test("refuses what JSON has no text for, and the old file stays", async (t) => {
    const file = withFile(t, "old");
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [undefined, () => {}, Symbol("s"), 7n, cycle, { toJSON: () => undefined }])
      await assert.rejects(writeJson(file, value), TypeError);
    const thrown = new Error("from toJSON");
    await assert.rejects(
      writeJson(file, {
        toJSON() {
          throw thrown;
        },
      }),
      thrown,
    );
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(leftovers(path.dirname(file)), []);
  });

  test("writes the value as it was at the call", async (t) => {
    const file = withFile(t);
    const state = { step: 1 };
    const writing = writeJson(file, state);
    state.step = 2;
    await writing;
    assert.deepEqual(await readJson(file), { step: 1 });
  });

  test("obeys the options of writeFile", async (t) => {
    const file = withFile(t, "old");
    await assert.rejects(writeJson(file, 1, { ifAbsent: true }), { code: "EXISTS" });
    const nested = path.join(path.dirname(file), "a/b/c.json");
    await writeJson(nested, 1, { parents: true, mode: 0o600 });
    assert.equal(await readJson(nested), 1);
  });
});

const issueList = (error: unknown): unknown => (error as HoldfastError).details["issues"];

const SCHEMAS: Readonly<Record<string, StandardSchema<unknown, { name: string; tags: string[] }>>> = {
  zod: z.object({ name: z.string(), tags: z.array(z.string()).default([]) }) as unknown as StandardSchema<
    unknown,
    { name: string; tags: string[] }
  >,
  valibot: v.object({ name: v.string(), tags: v.optional(v.array(v.string()), []) }) as unknown as StandardSchema<
    unknown,
    { name: string; tags: string[] }
  >,
};

describe("a schema", () => {
  for (const [library, schema] of Object.entries(SCHEMAS)) {
    test(`of ${library}: its output is read`, async (t) => {
      const file = withFile(t, '{"name":"a","extra":1}');
      assert.deepEqual(await readJson(file, { schema }), { name: "a", tags: [] });
    });

    test(`of ${library}: a mismatch is told with the place, when read`, async (t) => {
      const file = withFile(t, '{"name":"a","tags":["b",7]}');
      await assert.rejects(readJson(file, { schema }), (error: HoldfastError) => {
        assert.deepEqual([error.code, error.kind, error.path], ["SCHEMA_MISMATCH", "corrupt", file]);
        assert.deepEqual(
          (issueList(error) as { path: string }[]).map(({ path }) => path),
          ["tags.1"],
        );
        return true;
      });
      await assert.rejects(readJson(withFile(t, "{"), { schema }), { code: "CORRUPT_JSON" });
      await assert.rejects(readJson(withFile(t), { schema }), { code: "NOT_FOUND" });
    });

    test(`of ${library}: a mismatch is refused before anything is written, and the value itself is written`, async (t) => {
      const file = withFile(t, "old");
      await assert.rejects(writeJson(file, { name: 7 }, { schema }), { code: "SCHEMA_MISMATCH", outcome: "unchanged" });
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      await writeJson(file, { name: "a" }, { schema });
      assert.equal(fs.readFileSync(file, "utf8"), '{\n  "name": "a"\n}\n');
    });
  }

  test("may be asynchronous", async (t) => {
    const schema = z.string().refine(async (text) => text === "good");
    const file = withFile(t);
    await writeJson(file, "good", { schema });
    assert.equal(await readJson(file, { schema }), "good");
    await assert.rejects(writeJson(file, "bad", { schema }), { code: "SCHEMA_MISMATCH" });
  });

  test("mismatch of the whole value has an empty path", async (t) => {
    const file = withFile(t, "[]");
    const error: unknown = await readJson(file, { schema: z.string() }).catch((caught: unknown) => caught);
    assert.deepEqual(
      (issueList(error) as { path: string }[]).map(({ path }) => path),
      [""],
    );
  });
});
