import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { needsPosix } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";
import { assertForPeople, holdfast, jsonLine, ROOT, start } from "./command.ts";

interface Demo {
  readonly holds: boolean;
  readonly seed: number;
  readonly input: { readonly from: string; readonly files: number };
  readonly acts: {
    readonly fullDisk: Readonly<Record<string, { readonly said: string; readonly kept: boolean; readonly leftovers: number }>>;
    readonly powerCut: {
      readonly shipped: { readonly violations: number };
      readonly controls: Readonly<Record<string, { readonly violations: number }>>;
    };
    readonly longJob: { readonly checkpoint: { readonly kills: number; readonly setBacks: number } };
    readonly killStorm: Readonly<
      Record<
        string,
        { readonly torn: number; readonly lost: number; readonly temps: number; readonly kills: number } | "not installed"
      >
    >;
  };
}

/** Files with names that shells and old file systems do not like. */
function someFiles(dir: string): string {
  for (const name of ["a.txt", "with space/b c.txt", "deep/er/quote'.md", "empty"]) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), name === "empty" ? "" : name.repeat(500));
  }
  return dir;
}

describe("holdfast demo", () => {
  it("Holdfast loses nothing, and fs.writeFile destroys a file on a full disk", async (t) => {
    const args = ["demo", "--seconds", "3", "--seed", "1", "--json", someFiles(tempDir(t))];
    const { code, stdout, stderr } = await holdfast(args);
    assert.equal(stderr, "");
    const { holds, seed, input, acts } = jsonLine(stdout) as unknown as Demo;
    assert.deepEqual([code, holds, seed, input.from, input.files], [0, true, 1, "directory", 4]);
    const own = acts.killStorm["holdfast"];
    assert.ok(own && own !== "not installed" && own.kills >= 2);
    assert.deepEqual([own.torn, own.lost], [0, 0]);
    assert.equal(acts.powerCut.shipped.violations, 0);
    assert.ok(acts.longJob.checkpoint.kills >= 2 && acts.longJob.checkpoint.setBacks === 0);
    for (const control of Object.values(acts.powerCut.controls)) assert.ok(control.violations > 0);
    if (needsPosix) return;
    assert.deepEqual(acts.fullDisk["holdfast"], { said: "error NO_SPACE", kept: true, sizeBytes: 18 * 500, leftovers: 0 });
    assert.equal(acts.fullDisk["fs.writeFile"]?.kept, false);
  });

  it("takes what git tracks, and nothing else; prints a table of 80 columns at most; says which libraries are not installed", async (t) => {
    const dir = tempDir(t);
    fs.cpSync(path.join(ROOT, "dist"), path.join(dir, "dist"), { recursive: true });
    fs.copyFileSync(path.join(ROOT, "package.json"), path.join(dir, "package.json"));
    fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(dir, "node_modules"), "junction");
    const main = path.join(dir, "dist/cli/main.js");
    const files = someFiles(tempDir(t));
    const git = (...args: readonly string[]): void => void execFileSync("git", args, { cwd: files });
    git("init", "--quiet");
    git("add", "a.txt", "deep");
    const ended = await start(["demo", "--seconds", "1"], { cwd: path.join(files, "deep") }, main).ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assertForPeople(ended);
    assert.match(ended.stdout, /^2 files, .* git tracks/m);
    assert.match(ended.stdout, /^holdfast +2 .* 0 +0 +0 /m);
    assert.match(ended.stdout, /import \* as holdfast from "holdfast";/);
    for (const line of ended.stdout.split("\n")) if (!line.includes(files)) assert.ok(line.length <= 80, line);
    assert.match(ended.stdout, /^write-file-atomic +not installed$/m);
    assert.match(ended.stdout, /^atomically +not installed$/m);
  });
});
