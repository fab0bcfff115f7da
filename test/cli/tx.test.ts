import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it, type TestContext } from "node:test";
import { transaction } from "holdfast/tx";
import { needsPosix } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";
import { assertForPeople, type Ended, holdfast, jsonLine } from "./command.ts";

interface Root {
  readonly root: string;
  readonly apply: (input: string | Uint8Array | readonly object[], ...args: readonly string[]) => Promise<Ended>;
  readonly tree: () => Record<string, string>;
}

function inRoot(t: TestContext, files: Readonly<Record<string, string>> = {}): Root {
  const root = tempDir(t);
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return {
    root,
    apply(input, ...args) {
      const text = typeof input === "string" || input instanceof Uint8Array ? input : JSON.stringify(input);
      return holdfast(["tx", "apply", ...args, root], text);
    },
    tree() {
      const entries = fs
        .readdirSync(root, { recursive: true, withFileTypes: true })
        .map((entry) => [entry, path.relative(root, path.join(entry.parentPath, entry.name))] as const);
      return Object.fromEntries(
        entries
          .filter(([, name]) => !name.startsWith(".holdfast-"))
          .map(([entry, name]) => (entry.isFile() ? [name, fs.readFileSync(path.join(root, name), "utf8")] : [`${name}/`, ""]))
          .sort(),
      );
    },
  };
}

const tar = (dir: string, ...args: readonly string[]): Buffer => {
  const { status, stdout, stderr } = spawnSync("tar", ["-c", ...args, "-C", dir, "."]);
  assert.equal(status, 0, String(stderr));
  return stdout;
};

describe("holdfast tx apply", { concurrency: 2 }, () => {
  it("a JSON list: all changes, in one line", async (t) => {
    const { apply, tree } = inRoot(t, { a: "A", b: "B", "old/x": "X" });
    const { code, stdout, stderr } = await apply([
      { write: "n/m", text: "N\u00e4" },
      { write: "bin", base64: "aGk=", mode: "600", ifAbsent: true },
      { rename: "a", to: "c" },
      { remove: "old", recursive: true },
      { makeDirectory: "empty" },
    ]);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(stdout, /^applied 5 changes to .* \((durable|atomic|volatile)\)\n$/);
    assert.deepEqual(tree(), { b: "B", bin: "hi", c: "A", "empty/": "", "n/": "", "n/m": "N\u00e4" });
  });

  it("a tar stream, with long names, modes and empty directories", { skip: needsPosix }, async (t) => {
    const source = inRoot(t, {
      [`${"d".repeat(90)}/${"e".repeat(90)}/f`]: "long",
      run: "#!",
      "big/x": "x".repeat(100_000),
      "\u00fc": "",
    });
    fs.chmodSync(path.join(source.root, "run"), 0o755);
    fs.mkdirSync(path.join(source.root, "empty"));
    for (const format of ["ustar", "pax", "gnu"]) {
      const { root, apply, tree } = inRoot(t, { run: "old", other: "kept" });
      const { code, stdout, stderr } = await apply(tar(source.root, `--format=${format}`), "--json");
      assert.equal(stderr, "");
      assert.equal(code, 0);
      assert.deepEqual(tree(), { ...source.tree(), other: "kept" });
      assert.equal(fs.statSync(path.join(root, "run")).mode & 0o777, 0o755);
      const { type, changeCount, changed, superseded } = jsonLine(stdout) as Record<string, unknown>;
      assert.deepEqual(
        { type, changeCount, changed, superseded },
        { type: "applied", changeCount: 8, changed: true, superseded: [] },
      );
    }
  });

  it("changes nothing if one change fails, or the input is wrong or cut off, and says which", async (t) => {
    const { root, apply, tree } = inRoot(t, { a: "A" });
    const first = { write: "new", text: "x" };
    const wrong: readonly [input: Parameters<typeof apply>[0], code: number, says: RegExp][] = [
      [[first, { write: "a", text: "x", ifAbsent: true }], 1, /already taken/],
      [[first, { remove: "none" }], 1, /no such file/],
      [[first, { write: "../a", text: "x" }], 2, /change 1: path must be a relative path/],
      [[first, { write: "b" }], 2, /change 1: write needs its content/],
      [[first, { write: "b", text: "x", mode: 644 }], 2, /octal/],
      [[first, { delete: "a" }], 2, /change 1: a change must have exactly one/],
      [[first, { remove: "a", force: true }], 2, /unknown option "force"/],
      ["[{", 2, /no valid JSON/],
      [JSON.stringify([first]).slice(0, -2), 2, /no valid JSON/],
      ["neither of these", 2, /neither a JSON list nor a tar stream/],
    ];
    const results = await Promise.all(wrong.map(([input]) => apply(input)));
    for (const [index, { code, stderr }] of results.entries()) {
      const [, expected, says] = wrong[index] as (typeof wrong)[number];
      assert.equal(code, expected, stderr);
      assert.match(stderr, says);
    }
    assert.deepEqual(tree(), { a: "A" });
    const archive = tar(root);
    const cut = await apply(archive.subarray(0, 1030));
    assert.notEqual(cut.code, 0);
    const link = inRoot(t);
    fs.symlinkSync("a", path.join(link.root, "link"));
    const linked = await apply(tar(link.root));
    assertForPeople(linked);
    assert.match(linked.stderr, /neither a file nor a directory/);
    assert.deepEqual(tree(), { a: "A" });
  });

  it("exits with 11 if somebody else changes the same files", async (t) => {
    const { root, apply, tree } = inRoot(t, { a: "A" });
    await transaction(root, async (tx) => {
      await tx.write("a", "B");
      const { code, stderr } = await apply([{ write: "a", text: "C" }], "--lock-timeout", "10", "--json");
      assert.equal(code, 11);
      assert.equal((jsonLine(stderr) as { code?: string }).code, "LOCKED");
    });
    assert.deepEqual(tree(), { a: "B" });
  });
});
