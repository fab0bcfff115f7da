/** Reading: exactly the bytes of one version, and "absent" only if that is proven. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { readFile, readFileSync, writeFileSync } from "holdfast";
import { startChild } from "../support/child.ts";
import { failing, withMachine, wrapped } from "../support/machines.ts";
import { needsFreeNames, needsLinux, needsPosix } from "../support/needs.ts";
import { allClosed, tempDir } from "../support/temp-dir.ts";

describe("readFile and readFileSync", () => {
  test("give the bytes, or with utf8 the text, with its byte order mark", async (t) => {
    const file = path.join(tempDir(t), "file");
    for (const content of [
      Buffer.alloc(0),
      Buffer.from("text \u00e9"),
      Buffer.from("\ufefftext"),
      Buffer.alloc(300_000, "0123456"),
    ]) {
      fs.writeFileSync(file, content);
      assert.deepEqual(Buffer.from(await readFile(file)), content);
      assert.deepEqual(Buffer.from(readFileSync(file)), content);
      assert.equal(await readFile(file, "utf8"), content.toString());
      assert.equal(readFileSync(file, "utf8"), content.toString());
      assert.equal(await readFile(file, { encoding: "utf8" }), content.toString());
    }
  });

  test("follow links, and read what can't tell its size", { skip: needsLinux }, async (t) => {
    const link = path.join(tempDir(t), "link");
    fs.symlinkSync("/proc/self/status", link);
    assert.match(await readFile(link, "utf8"), /^Name:/);
    assert.match(readFileSync(link, "utf8"), /Threads:/);
  });

  test("say NOT_FOUND for what is not there, a dangling link too", async (t) => {
    const dir = tempDir(t);
    const absent = path.join(dir, "absent");
    await assert.rejects(readFile(absent), { code: "NOT_FOUND", kind: "missing", path: absent, details: { errno: "ENOENT" } });
    assert.throws(() => readFileSync(absent), { code: "NOT_FOUND" });
    await assert.rejects(readFile(path.join(absent, "file")), { code: "NOT_FOUND" });
    if (needsPosix) return;
    fs.symlinkSync("absent", path.join(dir, "link"));
    await assert.rejects(readFile(path.join(dir, "link")), { code: "NOT_FOUND" });
  });

  test("say NOT_A_FILE for a directory", async (t) => {
    const dir = tempDir(t);
    await assert.rejects(readFile(dir), { code: "NOT_A_FILE" });
    assert.throws(() => readFileSync(dir), { code: "NOT_A_FILE" });
    await allClosed(dir);
  });

  test("never take a failure for absence", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "content");
    for (const [op, errno, code] of [
      ["open", "EIO", "IO"],
      ...(needsFreeNames ? [] : [["open", "EACCES", "PERMISSION"] as const]), // Windows: somebody may hold it
      ["open", "EMFILE", "TOO_MANY_FILES"],
      ["open", "ESTALE", "IO"],
      ["read", "EIO", "IO"],
      ["read", "ENOENT", "IO"],
      ["statFile", "EIO", "IO"],
      ["close", "EIO", "IO"],
    ] as const) {
      const expected = { code, outcome: "unchanged" };
      await withMachine(wrapped(failing(op, errno)), async () => {
        await assert.rejects(readFile(file), expected, `${op} ${errno}`);
        assert.throws(() => readFileSync(file), expected, `${op} ${errno}, sync`);
      });
    }
  });

  test("give one version, whoever replaces the file meanwhile", async (t) => {
    const file = path.join(tempDir(t), "file");
    const version = (nth: number): string => String(nth % 10).repeat(200_000 + nth);
    fs.writeFileSync(file, version(0));
    const writer = startChild(async ({ hf, say }, file) => {
      for (let nth = 1; nth <= 150; nth++) {
        const text = String(nth % 10).repeat(200_000 + nth);
        if (nth % 2 === 0) hf.writeFileSync(file, text, { durability: "volatile", busyTimeoutMs: 30_000 });
        else
          await hf.writeFile(file, [text.slice(0, 100_000), text.slice(100_000)], {
            durability: "volatile",
            busyTimeoutMs: 30_000,
          });
        if (nth === 1) say("writing");
      }
    }, file);
    t.after(() => writer.kill());
    await writer.next();
    let over = false;
    void writer.result.finally(() => (over = true));
    const seen = new Set<number>();
    for (let reads = 0; !over; reads++) {
      const text = reads % 4 === 0 ? readFileSync(file, "utf8") : await readFile(file, "utf8");
      const nth = text.length - 200_000;
      assert.ok(text === version(nth), `read ${reads} is a mix: ${text.length} characters, ${text[0]} to ${text.at(-1)}`);
      seen.add(nth);
    }
    await writer.result;
    assert.ok(seen.size > 3, `${seen.size} versions were seen`);
  });

  test("negative control: a file written in place is seen half written", async (t) => {
    const file = path.join(tempDir(t), "file");
    writeFileSync(file, "0".repeat(200_000));
    const fd = fs.openSync(file, "r+");
    t.after(() => fs.closeSync(fd));
    fs.writeSync(fd, "1".repeat(100_000), 0);
    assert.equal(new Set(readFileSync(file, "utf8")).size, 2);
  });
});
