import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it, type TestContext } from "node:test";
import { needsPosix, needsTerminal } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";
import { holdfast, MAIN, type Running, start, startProgram } from "./command.ts";

function withOld(t: TestContext): { readonly dir: string; readonly file: string } {
  const dir = tempDir(t);
  const file = path.join(dir, "a");
  fs.writeFileSync(file, "old");
  return { dir, file };
}

/** A command that says when it waits, and who it is. Without a terminal, wherever the tests run. */
async function waiting(
  t: TestContext,
  file: string,
  onSignals: string,
): Promise<{ readonly running: Running; readonly pid: number }> {
  const script = `const fs = require("fs");
    fs.writeFileSync(process.env.HOLDFAST_OUT, "new");
    ${onSignals}
    console.log("waits " + process.pid + ".");
    setInterval(() => {}, 1000);`;
  const running = start(["run", "--out", file, "--", process.execPath, "-e", script], { detached: true });
  const group = running.child.pid as number;
  t.after(() => spawnSync("kill", ["-9", "--", `-${group}`])); // a command that has lost its holdfast, if the test fails
  await running.printed(".");
  return { running, pid: Number(/\d+/.exec(running.output.stdout)?.[0]) };
}

describe("signals of holdfast run", { skip: needsPosix, concurrency: 3 }, () => {
  for (const name of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const) {
    it(`${name} reaches the command, which decides when to end`, async (t) => {
      const { dir, file } = withOld(t);
      const { running } = await waiting(
        t,
        file,
        `let heard = 0;
         process.on("${name}", () => { if (++heard === 1) console.log("once"); else process.exit(0); });`,
      );
      running.child.kill(name);
      await running.printed("once");
      running.child.kill(name); // would end any other command of ours at once
      const { code, signal, stderr } = await running.ended;
      assert.deepEqual([code, signal, stderr], [0, null, ""]);
      assert.equal(fs.readFileSync(file, "utf8"), "new");
      assert.deepEqual(leftovers(dir), []);
    });
  }

  it("Ctrl-C of a terminal reaches the command once", { skip: needsTerminal }, async (t) => {
    const { dir, file } = withOld(t);
    const script = path.join(dir, "count.cjs");
    fs.writeFileSync(
      script,
      `let count = 0;
       process.on("SIGINT", () => console.log("heard " + ++count + "."));
       // Comes after a SIGINT that is on its way: of several that wait, the one with the lowest number is delivered first.
       process.on("SIGTERM", () => process.exit(count));
       console.log("below " + process.ppid + ".");
       setInterval(() => {}, 1000);`,
    );
    // exec: a shell that stayed would end by the Ctrl-C itself once its command has ended (dash; bash asks how that ended).
    const line = ["exec", process.execPath, MAIN, "run", "--out", file, "--", process.execPath, script].join(" ");
    const { ended, printed, child, output } = startProgram("script", ["-qec", line, "/dev/null"]);
    await printed("below ");
    await printed(".");
    child.stdin?.write("\x03");
    await printed("heard 1.");
    process.kill(Number(/below (\d+)/.exec(output.stdout)?.[1]), "SIGTERM");
    const { code, stdout } = await ended;
    assert.equal(code, 1, stdout);
    assert.match(stdout, /ended with exit code 1; left untouched/);
  });

  it("a command that SIGTERM ends: so ends holdfast, nothing is published, nothing left", async (t) => {
    const { dir, file } = withOld(t);
    const { running } = await waiting(t, file, "");
    running.child.kill("SIGTERM");
    const { code, signal, stderr } = await running.ended;
    assert.deepEqual([code, signal], [null, "SIGTERM"]);
    assert.match(stderr, /was ended by SIGTERM; left untouched: /);
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(leftovers(dir), []);
  });

  // SIGPIPE is one that Node ignores, SIGUSR1 one that it has a use for; who ends by SIGABRT leaves a core.
  const ends = { KILL: "SIGKILL", TERM: "SIGTERM", INT: "SIGINT", PIPE: "SIGPIPE", USR1: "SIGUSR1", ABRT: 134 } as const;
  for (const [name, as] of Object.entries(ends)) {
    it(`a command that dies by SIG${name}: ${as}`, async (t) => {
      const { dir, file } = withOld(t);
      const die = ["sh", "-c", `ulimit -c 0; echo half > "$HOLDFAST_OUT"; kill -${name} $$`];
      const { code, signal, stderr } = await holdfast(["run", "--out", file, "--", ...die]);
      assert.equal(signal ?? code, as);
      assert.match(stderr, new RegExp(`^holdfast: sh was ended by SIG${name}; left untouched: .*\n$`));
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      assert.deepEqual(leftovers(dir), []);
    });
  }

  it("killed itself: the old is whole, and the next run removes what was staged", async (t) => {
    const { dir, file } = withOld(t);
    const { running, pid } = await waiting(t, file, "");
    assert.notEqual(leftovers(dir).length, 0);
    running.child.kill("SIGKILL");
    process.kill(pid, "SIGKILL"); // nobody else ends it now; it has the output open that `ended` waits for
    assert.equal((await running.ended).signal, "SIGKILL");
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.notEqual(leftovers(dir).length, 0);
    assert.equal((await holdfast(["run", "--out", path.join(dir, "b"), "--", "cp", file, "{out}"])).code, 0);
    assert.deepEqual(fs.readdirSync(dir).sort(), ["a", "b"]);
  });
});
