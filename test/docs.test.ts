/**
 * Every JavaScript example of README.md and docs/ runs as it stands, in an empty directory of a project that has Holdfast.
 * Every call of the command line in their shell examples names a command and options that there are.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, describe, it } from "node:test";
import { node, ROOT, temporaryDirectory } from "./package/npm.ts";

interface Example {
  /** `README.md:12`, the line its code begins at. */
  readonly place: string;
  readonly code: string;
}

/** The blocks that begin with three backticks and `language`. */
function examplesIn(file: string, language: string): Example[] {
  const text = fs.readFileSync(path.join(ROOT, file), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(({ 1: code = "", index }) => ({
    place: `${file}:${text.slice(0, index).split("\n").length + 1}`,
    code,
  }));
}

function documents(): string[] {
  const below = fs
    .readdirSync(path.join(ROOT, "docs"), { recursive: true })
    .map((name) => `docs/${String(name).split(path.sep).join("/")}`);
  // docs/api is made from the sources, whose examples are fragments.
  return ["README.md", ...below.filter((file) => file.endsWith(".md") && !file.startsWith("docs/api/"))];
}

describe("examples in documents run", { concurrency: true }, () => {
  const work = temporaryDirectory();
  fs.mkdirSync(path.join(work, "node_modules"));
  fs.symlinkSync(ROOT, path.join(work, "node_modules/holdfast"), "junction");
  after(() => fs.rmSync(work, { recursive: true, force: true }));

  const examples = documents().flatMap((file) => examplesIn(file, "js"));
  it("there are some", () => assert.ok(examples.some(({ place }) => place.startsWith("README.md"))));

  for (const [index, { place, code }] of examples.entries()) {
    it(place, async () => {
      const dir = path.join(work, String(index));
      fs.mkdirSync(dir);
      fs.writeFileSync(path.join(dir, "example.mjs"), code);
      await node(dir, ["example.mjs"]);
    });
  }
});

/** Commands that have commands of their own. */
const HAS_COMMANDS: ReadonlySet<string> = new Set(["checkpoint", "log", "tiles", "tx"]);

describe("shell examples call what there is", () => {
  const examples = documents().flatMap((file) => examplesIn(file, "sh"));
  const lines = examples.flatMap(({ place, code }) =>
    code.split("\n").map((line) => ({ place, line: line.replace(/ # .*/, "") })),
  );
  const helps = new Map<string, Promise<string>>();
  const helpOf = (names: readonly string[]): Promise<string> => {
    const key = names.join(" ");
    const help = helps.get(key) ?? node(ROOT, ["dist/cli/main.js", ...names, "--help"]).then(({ stdout }) => stdout);
    helps.set(key, help);
    return help;
  };
  for (const { place, line } of lines) {
    const [, command, rest = ""] = /\bholdfast ([a-z]+)([^|<>]*)/.exec(line) ?? [];
    if (command === undefined) continue;
    it(`${place}: ${line.trim()}`, async () => {
      const names = HAS_COMMANDS.has(command) ? [command, ...(/^ ([a-z]+)/.exec(rest)?.slice(1) ?? [])] : [command];
      const help = await helpOf(names);
      assert.match(help, new RegExp(`^Usage: holdfast ${names.join(" ")} `));
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) assert.match(help, new RegExp(`^ +(-\\w, )?${option}\\b`, "m"));
    });
  }
});
