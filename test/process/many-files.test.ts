/**
 * Thousands of calls at once need a few dozen descriptors. With 128 allowed, 2,893 of 3,000 writes fail in
 * write-file-atomic and steno.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { afterShell, inChild } from "../support/child.ts";
import { wide } from "../support/deep.ts";
import { needsPosix } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const COUNT = wide ? 3000 : 800;
const wrap = afterShell("ulimit -n 128");

describe(`${COUNT} calls at once with 128 descriptors`, { skip: needsPosix }, () => {
  test("negative control: plain file handles run out", async (t) => {
    const failed = await inChild(
      async ({ fs, path }, { dir, count }) => {
        const opened = await Promise.allSettled(
          Array.from({ length: count }, (_, index) => fs.promises.open(path.join(dir, String(index)), "w")),
        );
        for (const one of opened) if (one.status === "fulfilled") await one.value.close();
        return opened.filter(({ status }) => status === "rejected").length;
      },
      { dir: tempDir(t), count: COUNT },
      { wrap },
    );
    assert.ok(failed > COUNT / 2, `${failed} failed`);
  });

  test("writes, then reads, all succeed, durable", async (t) => {
    const dir = tempDir(t);
    const whole = await inChild(
      async ({ hf, path }, { dir, count }) => {
        const files = Array.from({ length: count }, (_, index) => path.join(dir, `file-${index}`));
        await Promise.all(files.map((file) => hf.writeFile(file, `content of ${file}`)));
        const texts = await Promise.all(files.map((file) => hf.readFile(file, "utf8")));
        return files.filter((file, index) => texts[index] === `content of ${file}`).length;
      },
      { dir, count: COUNT },
      { wrap },
    );
    assert.equal(whole, COUNT);
    assert.equal(fs.readdirSync(dir).length, COUNT);
    assert.deepEqual(leftovers(dir), []);
  });

  test("writes of sources all succeed, while synchronous writes go on", async (t) => {
    const dir = tempDir(t);
    await inChild(
      async ({ hf, path }, { dir, count }) => {
        const durability = "volatile" as const;
        const source = async function* (text: string): AsyncGenerator<string> {
          yield text;
          await new Promise((resolve) => setImmediate(resolve));
          yield text;
        };
        const writes = Array.from({ length: count }, (_, index) =>
          hf.writeFile(path.join(dir, `file-${index}`), source(`${index} `), { durability }),
        );
        for (let index = 0; index < 100; index++) {
          hf.writeFileSync(path.join(dir, "sync"), String(index), { durability });
          await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all(writes);
      },
      { dir, count: COUNT },
      { wrap },
    );
    for (let index = 0; index < COUNT; index++)
      assert.equal(fs.readFileSync(path.join(dir, `file-${index}`), "utf8"), `${index} ${index} `);
    assert.equal(fs.readFileSync(path.join(dir, "sync"), "utf8"), "99");
    assert.deepEqual(leftovers(dir), []);
  });

  test("writes that fail give their descriptors back", async (t) => {
    const dir = tempDir(t);
    const failed = await inChild(
      async ({ hf, path }, { dir, count }) => {
        const broken = async function* (): AsyncGenerator<string> {
          yield "part";
          throw new Error("broken");
        };
        const results = await Promise.allSettled(
          Array.from({ length: count }, (_, index) => hf.writeFile(path.join(dir, `file-${index}`), broken())),
        );
        await hf.writeFile(path.join(dir, "last"), "last");
        return results.filter((result) => result.status === "rejected" && result.reason.code === "SOURCE_FAILED").length;
      },
      { dir, count: COUNT },
      { wrap },
    );
    assert.equal(failed, COUNT);
    assert.deepEqual(fs.readdirSync(dir), ["last"]);
  });
});
