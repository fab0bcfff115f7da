/** The example runs, is killed and goes on; the index is that of a run without kills. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { it, type TestContext } from "node:test";
import { node, ROOT } from "../package/npm.ts";
import { needsPosix } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

const EXAMPLE = path.join(ROOT, "examples/rebuild-index");

/** A copy of the example, with what it depends on as it is installed here. */
function installed(t: TestContext): string {
  const dir = tempDir(t);
  fs.cpSync(EXAMPLE, dir, { recursive: true, filter: (from) => path.basename(from) !== "node_modules" });
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(EXAMPLE, "package.json"), "utf8")) as { dependencies: object };
  const root = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as { devDependencies: object };
  fs.mkdirSync(path.join(dir, "node_modules"));
  fs.symlinkSync(ROOT, path.join(dir, "node_modules/holdfast"), "junction");
  for (const [name, version] of Object.entries(dependencies)) {
    assert.equal((root.devDependencies as Record<string, string>)[name], version, "tested with the version that it asks for");
    fs.symlinkSync(path.join(ROOT, "node_modules", name), path.join(dir, "node_modules", name), "junction");
  }
  return dir;
}

it("examples/rebuild-index: killed twice, it ends with the index of a run that was not", { skip: needsPosix }, async (t) => {
  const dir = installed(t);
  const corpus = path.join(dir, "corpus");
  const docs = path.join(ROOT, "docs");
  fs.cpSync(docs, corpus, { recursive: true, filter: (from) => path.relative(docs, from) !== "api" });
  for (let kill = 0; kill < 2; kill++) {
    const run = spawn(process.execPath, ["rebuild.mjs", corpus, "out", "--pause", "20"], {
      cwd: dir,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let [said, saves] = ["", 0];
    for await (const text of run.stderr.setEncoding("utf8")) {
      said += String(text);
      saves = said.split("saved: ").length - 1;
      if (saves > 0) break;
    }
    assert.ok(saves > 0, said);
    const gone = once(run, "exit");
    run.kill("SIGKILL");
    await gone;
    assert.match(said, kill === 0 ? /^started: 0 of/ : /^started: [1-9]\d* of/);
  }
  const resumed = await node(dir, ["rebuild.mjs", corpus, "out"]);
  assert.match(resumed.stderr, /^started: [1-9]\d* of \d+ documents/);
  await node(dir, ["rebuild.mjs", corpus, "calm"]);
  const index = (out: string): string => fs.readFileSync(path.join(dir, out, "index.json"), "utf8");
  assert.equal(index("out"), index("calm"));
  const { stdout } = await node(dir, ["search.mjs", "out", "power", "losses"]);
  assert.match(stdout, /FAULT-MODEL\.md/);
  await assert.rejects(node(dir, ["rebuild.mjs", EXAMPLE, "out"]), /FINGERPRINT_MISMATCH/);
});
