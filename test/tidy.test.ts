/**
 * The rules of this repository. What a rule is for is said where it is (test/tidy/); here it is applied, and shown to find
 * what it should.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { CASES } from "./tidy/cases.ts";
import { Project } from "./tidy/project.ts";
import { RULES, type RuleName } from "./tidy/rules.ts";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const NAMES = Object.keys(RULES) as RuleName[];

describe("the repository is tidy", () => {
  const repository = Project.ofRepository(ROOT);
  for (const name of NAMES) {
    it(name, () => assert.deepEqual([...RULES[name](repository)], []));
  }
  it("generated documents are current (npm run docs)", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/docs.mjs", "--check"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
  });
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
