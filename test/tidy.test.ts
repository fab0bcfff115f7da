/**
 * The rules of this repository. What a rule is for is said where it is (test/tidy/); here it is applied, and shown to find
 * what it should.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { node, ROOT } from "./package/npm.ts";
import { needsWide } from "./support/deep.ts";
import { CASES } from "./tidy/cases.ts";
import { Project } from "./tidy/project.ts";
import { RULES, type RuleName } from "./tidy/rules.ts";

const NAMES = Object.keys(RULES) as RuleName[];

describe("the repository is tidy", { concurrency: true }, () => {
  it("generated documents are current, and a stale one is found", { skip: needsWide }, async (t) => {
    const docs = path.join(ROOT, "docs");
    const copy = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-docs-"));
    t.after(() => fs.rmSync(copy, { recursive: true }));
    fs.cpSync(docs, copy, { recursive: true });
    const stale = path.join(copy, "ERRORS.md");
    fs.appendFileSync(stale, "changed by hand");
    const failure = await node(ROOT, ["scripts/docs.mjs", "--check", docs, copy]).catch(
      (error: { code: number; stderr: string }) => error,
    );
    assert.ok("code" in failure, "the stale copy was not found");
    const said = failure.stderr.split("\n").filter((line) => line !== "");
    assert.deepEqual(
      said.filter((line) => !line.startsWith(copy)),
      [],
    );
    assert.deepEqual(said, [`${stale} is out of date: run "npm run docs"`]);
    assert.equal(failure.code, 1);
  });

  const repository = Project.ofRepository(ROOT);
  for (const name of NAMES) {
    it(name, () => assert.deepEqual([...RULES[name](repository)], []));
  }
});

describe("every rule can fail", () => {
  const apply = (rule: RuleName, files: Readonly<Record<string, string>>): string[] => [
    ...RULES[rule](new Project(Object.entries(files))),
  ];
  for (const { rule, bad, good, says } of CASES) {
    it(`${rule}: ${says}`, () => {
      const found = apply(rule, bad);
      assert.ok(found.length === 1 && found[0]?.includes(says), `found ${JSON.stringify(found)}`);
      if (good) assert.deepEqual(apply(rule, good), []);
    });
  }
  it("and none is without a case", () => {
    assert.deepEqual(
      NAMES.filter((name) => !CASES.some(({ rule }) => rule === name)),
      [],
    );
  });
});
