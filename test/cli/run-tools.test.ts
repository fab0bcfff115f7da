/** `holdfast run` with tools that know nothing of it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { needsCompiler, needsPosix } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { holdfast, ROOT } from "./command.ts";

describe("holdfast run with real tools", { concurrency: 2 }, () => {
  it("tsc: a build that fails leaves the last good one", async (t) => {
    const dir = tempDir(t);
    const put = (name: string, text: string): void => fs.writeFileSync(path.join(dir, name), text);
    const tsc = [process.execPath, path.join(ROOT, "node_modules/typescript/bin/tsc")];
    const compilerOptions = { rootDir: ".", incremental: true, types: [], lib: ["es5"], noEmitOnError: false };
    const build = () => holdfast(["run", "--replace", "--out", "dist", "--", ...tsc, "--outDir", "{out}"], "", { cwd: dir });
    put("tsconfig.json", JSON.stringify({ compilerOptions, files: ["a.ts"] }));
    put("a.ts", "export const a: number = 1;");
    const first = await build();
    assert.deepEqual([first.code, first.stderr], [0, ""]);
    assert.match(fs.readFileSync(path.join(dir, "dist/a.js"), "utf8"), /a = 1/);

    put("a.ts", 'export const a: number = "2";');
    const broken = await build();
    assert.equal(broken.code, 2);
    assert.match(broken.stdout, /TS2322/);
    assert.match(fs.readFileSync(path.join(dir, "dist/a.js"), "utf8"), /a = 1/);

    put("a.ts", "export const b: number = 3;");
    assert.equal((await build()).code, 0);
    assert.match(fs.readFileSync(path.join(dir, "dist/a.js"), "utf8"), /b = 3/);
    assert.deepEqual(leftovers(dir), []);
  });

  it("tar: an archive, and a directory out of it", { skip: needsPosix }, async (t) => {
    const dir = tempDir(t);
    fs.mkdirSync(path.join(dir, "d/e"), { recursive: true });
    const content = "content ".repeat(10_000);
    fs.writeFileSync(path.join(dir, "d/e/f"), content);
    const run = (args: readonly string[]) => holdfast(["run", ...args], "", { cwd: dir });
    assert.equal((await run(["--out", "x.tar", "--", "tar", "-cf", "{out}", "d"])).code, 0);
    const unpack = ["sh", "-c", 'mkdir "$HOLDFAST_OUT" && tar -xf x.tar -C "$HOLDFAST_OUT"'];
    assert.equal((await run(["--out", "copy", "--", ...unpack])).code, 0);
    assert.equal(fs.readFileSync(path.join(dir, "copy/d/e/f"), "utf8"), content);

    fs.truncateSync(path.join(dir, "x.tar"), 50_000); // in the middle of the file
    const torn = await run(["--replace", "--out", "copy", "--", ...unpack]);
    assert.notEqual(torn.code, 0);
    assert.equal(fs.readFileSync(path.join(dir, "copy/d/e/f"), "utf8"), content);
    assert.deepEqual(leftovers(dir), []);
  });

  it("cc: a program that can be run", { skip: needsCompiler }, async (t) => {
    const dir = tempDir(t);
    const source = path.join(dir, "hello.c");
    const compile = () => holdfast(["run", "--out", "hello", "--", "cc", "-o", "{out}", "hello.c"], "", { cwd: dir });
    const says = (): string => spawnSync(path.join(dir, "hello"), { encoding: "utf8" }).stdout;
    fs.writeFileSync(source, '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n');
    assert.equal((await compile()).code, 0);
    assert.equal(says(), "hello\n");
    fs.writeFileSync(source, "int main(void) { return }\n");
    assert.equal((await compile()).code, 1);
    assert.equal(says(), "hello\n");
    assert.deepEqual(leftovers(dir), []);
  });
});
