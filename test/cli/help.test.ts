import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { assertForPeople, holdfast, jsonLine, ROOT } from "./command.ts";

describe("help", { concurrency: 3 }, () => {
  for (const args of [
    [],
    ["--help"],
    ["help"],
    ["write", "--help"],
    ["run", "--help"],
    ["tx", "apply", "--help"],
    ["doctor", "--help"],
    ["checkpoint", "--help"],
    ["checkpoint", "show", "--help"],
    ["tiles", "--help"],
    ["tiles", "build", "--help"],
    ["prove", "--help"],
    ["demo", "--help"],
    ["help", "write"],
  ]) {
    it(`holdfast ${args.join(" ")}: with examples, exit code 0, 80 columns`, async () => {
      const { code, stdout, stderr } = await holdfast(args);
      assert.equal(code, 0);
      assert.equal(stderr, "");
      assert.match(stdout, /^Usage: holdfast/);
      assert.match(stdout, /^Examples:$/m);
      for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
    });
  }

  it("--version is that of the package", async () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as { version: string };
    const { code, stdout } = await holdfast(["--version"]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: `${version}\n` });
  });
});

describe("wrong usage is exit code 2, and nothing is done", { concurrency: 2 }, () => {
  const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [["wrte"], /unknown command 'wrte'\n\(Did you mean write\?\)/],
    [["--frob"], /unknown option '--frob'/],
    [["write"], /missing required argument 'file'/],
    [["write", "a", "b"], /too many arguments/],
    [["write", ""], /path must not be empty/],
    [["write", "--mode", "999", "a"], /must be octal/i],
    [["write", "--mode", "10000", "a"], /must be octal/i],
    [["write", "--durability", "maybe", "a"], /Allowed choices are durable, atomic, volatile/],
    [["write", "--symlink", "chase", "a"], /Allowed choices are follow, replace, refuse/],
    [["run", "--", "true"], /required option '--out/],
    [["run", "--out", "a"], /missing required argument 'command'/],
    [["run", "--out", "a", "a/b", "--", "true"], /one output can't be in another, or the same: a, a\/b/],
    [["run", "--out", "a", "./a", "--", "true"], /one output can't be in another, or the same/],
    [["prove", "--seed", "x"], /whole number/],
    [["demo", "--seconds", "0"], /whole number from 1 to 3600/],
    [["demo", "no/such/directory"], /no such directory/],
  ];
  for (const [args, says] of wrong) {
    it(`holdfast ${args.join(" ")}`, async () => {
      const [first = "", ...rest] = args;
      const both = [args, [first, "--json", ...rest]];
      const [ended, asJson] = await Promise.all(both.map((each) => holdfast(each, "never written")));
      assert.ok(ended && asJson);
      assert.equal(ended.code, 2);
      assert.equal(ended.stdout, "");
      assert.match(ended.stderr, says);
      assertForPeople(ended);

      assert.equal(asJson.code, 2);
      assert.equal(asJson.stdout, "");
      const error = jsonLine(asJson.stderr);
      assert.deepEqual([error["type"], error["code"], error["outcome"]], ["exit_error", "USAGE", "unchanged"]);
    });
  }
});
