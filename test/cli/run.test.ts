import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it, type TestContext } from "node:test";
import { needsPosix } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { assertForPeople, type Ended, holdfast, jsonLine } from "./command.ts";

interface Place {
  readonly dir: string;
  readonly at: (name: string) => string;
  readonly read: (name: string) => string;
  /** `holdfast run` with these arguments. */
  readonly run: (args: readonly string[], input?: string) => Promise<Ended>;
}

/** A directory where `old` is a file and `full` a directory with a file. */
function place(t: TestContext): Place {
  const dir = tempDir(t);
  const at = (name: string): string => path.join(dir, name);
  fs.writeFileSync(at("old"), "old");
  fs.mkdirSync(at("full"));
  fs.writeFileSync(at("full/a"), "old");
  return {
    dir,
    at,
    read: (name) => fs.readFileSync(at(name), "utf8"),
    run: (args, input) => holdfast(["run", ...args], input, { cwd: dir }),
  };
}

/** A command that runs this script. `write(n, text)` makes the n-th output a file. */
const js = (script: string, ...args: readonly string[]): string[] => [
  process.execPath,
  "-e",
  `const fs = require("fs"), out = (n) => process.env["HOLDFAST_OUT_" + n], write = (n, text) => fs.writeFileSync(out(n), text);
   ${script}`,
  ...args,
];

describe("holdfast run publishes", { concurrency: 3 }, () => {
  it("a file, and says nothing", async (t) => {
    const { dir, read, run } = place(t);
    assert.deepEqual(await run(["--out", "old", "--", ...js('write(1, "new")')]), {
      code: 0,
      signal: null,
      stdout: "",
      stderr: "",
    });
    assert.equal(read("old"), "new");
    assert.deepEqual(leftovers(dir), []);
  });

  it("a directory; one with content only with --replace, which is known before the command runs", async (t) => {
    const { dir, at, read, run } = place(t);
    const make = js('console.log("ran"); fs.mkdirSync(out(1)); fs.writeFileSync(out(1) + "/b", "new")');
    assert.equal((await run(["--out", "x/y", "--parents", "--", ...make])).code, 0);
    assert.equal(read("x/y/b"), "new");

    const refused = await run(["--json", "--out", "full", "--", ...make]);
    assert.deepEqual([refused.code, refused.stdout, jsonLine(refused.stderr)["code"]], [1, "", "EXISTS"]);
    assert.equal(read("full/a"), "old");

    assert.equal((await run(["--replace", "--out", "full", "--", ...make])).code, 0);
    assert.deepEqual(fs.readdirSync(at("full")), ["b"]);
    assert.deepEqual(leftovers(dir), []);
  });

  it("several, and tells of each with --json, on standard error", async (t) => {
    const { read, run } = place(t);
    const make = js('write(1, "1"); fs.mkdirSync(out(2)); console.log("its own words")');
    const { code, stdout, stderr } = await run(["--json", "--durability", "volatile", "--out", "old", "b", "--", ...make]);
    assert.deepEqual([code, stdout], [0, "its own words\n"]);
    const how = { durability: "volatile", way: "rename", superseded: [], kept: [] };
    assert.deepEqual(jsonLine(stderr), {
      type: "ran",
      exitCode: 0,
      signal: null,
      published: [
        { path: "old", kind: "file", fileCount: 1, sizeBytes: 1, ...how },
        { path: "b", kind: "directory", fileCount: 0, sizeBytes: 0, ...how },
      ],
      unknown: [],
      untouched: [],
    });
    assert.equal(read("old"), "1");
  });

  it("an executable as one", { skip: needsPosix }, async (t) => {
    const { at, run } = place(t);
    await run(["--out", "old", "--", "sh", "-c", 'echo "#!/bin/sh" > {out}; chmod 751 {out}']);
    assert.equal(fs.statSync(at("old")).mode & 0o7777, 0o751);
  });

  it("what stood on standard input", async (t) => {
    const { read, run } = place(t);
    await run(["--out", "old", "--", ...js("process.stdin.pipe(fs.createWriteStream(out(1)))")], "from outside");
    assert.equal(read("old"), "from outside");
  });
});

describe("holdfast run tells the command its outputs", { concurrency: 3 }, () => {
  const tell = js(
    `console.log(JSON.stringify([process.argv.slice(1), out(1), out(2), out(3) ?? null, process.env.HOLDFAST_OUT]));
     write(1, ""); write(2, "");`,
  );

  it("in arguments and variables; the place has the name of the output", async (t) => {
    const { dir, run } = place(t);
    const args = ["{out}", "--a={out1}", "{out2}{out}", "{ out }", "{out", "--json", "-h", "--"];
    const { code, stdout, stderr } = await run(["--out", "a", "--out", "b.txt", "--", ...tell, "--", ...args]);
    assert.deepEqual([code, stderr], [0, ""]);
    const [given, first, second, third, only] = JSON.parse(stdout);
    assert.deepEqual(given, [first, `--a=${first}`, second + first, ...args.slice(3)]);
    assert.deepEqual([third, only], [null, first]);
    assert.deepEqual([path.basename(first), path.basename(second)], ["a", "b.txt"]);
    assert.ok(first.startsWith(dir));
  });

  it("and nothing of those of a command that this one runs in", async (t) => {
    const { dir } = place(t);
    const env = { ...process.env, HOLDFAST_OUT_3: "of another" };
    const { stdout } = await holdfast(["run", "--out", "a", "b", "--", ...tell], "", { cwd: dir, env });
    assert.equal(JSON.parse(stdout)[3], null);
  });

  for (const wrong of ["{out0}", "{out3}", "x={out01}"]) {
    it(`but ${wrong} is wrong usage, and nothing runs`, async (t) => {
      const { dir, run } = place(t);
      const ended = await run(["--out", "a", "b", "--", ...tell, wrong]);
      assert.deepEqual([ended.code, ended.stdout], [2, ""]);
      assert.match(ended.stderr, /^holdfast: \{out\d+\} names no output: there are 2 outputs\n/);
      assertForPeople(ended);
      assert.deepEqual(fs.readdirSync(dir).sort(), ["full", "old"]);
    });
  }
});

describe("holdfast run leaves the old as it was", { concurrency: 3 }, () => {
  const two = ["--replace", "--out", "old", "full", "--"];
  const half = 'write(1, "half"); fs.mkdirSync(out(2)); fs.writeFileSync(out(2) + "/b", "half");';
  const refusals: Readonly<Record<string, readonly [command: readonly string[], code: number, says: RegExp]>> = {
    "exit code 7": [js(`${half} process.exit(7)`), 7, /^holdfast: \S+ ended with exit code 7; left untouched: old, full\n$/],
    "an output that is missing": [
      js('write(1, "x")'),
      1,
      /^holdfast: the command has succeeded, but has made nothing for full; left untouched: old, full\n$/,
    ],
    "a file for a directory": [js('write(1, "x"); write(2, "x")'), 1, /made a file for full, which is a directory; left/],
    "a directory for a file": [js("fs.mkdirSync(out(1)); fs.mkdirSync(out(2))"), 1, /made a directory for old, which is a file/],
    "a command that is not there": [["no-such-command"], 127, /^holdfast: no-such-command: command not found\n$/],
  };
  for (const [name, [command, code, says]] of Object.entries(refusals)) {
    it(name, async (t) => {
      const { dir, at, read, run } = place(t);
      const ended = await run([...two, ...command]);
      assert.equal(ended.code, code);
      assert.match(ended.stderr, says);
      assertForPeople(ended);
      assert.equal(read("old"), "old");
      assert.deepEqual(fs.readdirSync(at("full")), ["a"]);
      assert.deepEqual(leftovers(dir), []);
      const asJson = jsonLine((await run(["--json", ...two, ...command])).stderr);
      assert.equal(asJson["type"], code === 127 ? "exit_error" : "ran");
      if (code !== 127) assert.deepEqual([asJson["published"], asJson["untouched"]], [[], ["old", "full"]]);
    });
  }

  it("a command that is not executable: 126", { skip: needsPosix }, async (t) => {
    const { dir, run } = place(t);
    const ended = await run(["--out", "a", "--", "./old"]);
    assert.deepEqual([ended.code, ended.stderr], [126, "holdfast: ./old: the command can't be started: it is not executable\n"]);
    assert.deepEqual(leftovers(dir), []);
  });

  it("what it made is a link", { skip: needsPosix }, async (t) => {
    const { read, run } = place(t);
    const ended = await run(["--out", "old", "--", "ln", "-s", "full/a", "{out}"]);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /is no file or directory; left untouched: old\n$/);
    assert.equal(read("old"), "old");
  });

  it("the first is published, the second can't be: it is said which", { skip: needsPosix }, async (t) => {
    const { dir, at, read, run } = place(t);
    // Somebody fills the directory while the command runs: it was empty when that could be known before.
    fs.mkdirSync(at("empty"));
    const make = js('write(1, "new"); fs.mkdirSync(out(2)); write(3, "new"); fs.writeFileSync("empty/theirs", "")');
    const ended = await run(["--out", "old", "empty", "third", "--", ...make]);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^holdfast: .*; published: old; left untouched: empty, third\n$/);
    assertForPeople(ended);
    assert.equal(read("old"), "new");
    assert.deepEqual(fs.readdirSync(at("empty")), ["theirs"]);
    assert.deepEqual(fs.readdirSync(dir).sort(), ["empty", "full", "old"]);
  });
});
