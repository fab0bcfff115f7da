/** Names that Windows gives to something else, or can't have; and which spellings are one name. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { posixMachine } from "../../dist/io/posix.js";
import { windowsMachine } from "../../dist/io/windows.js";

const windows = windowsMachine().sync.traits();
const posix = posixMachine("linux").sync.traits();

const REFUSED: readonly (readonly [name: string, why: RegExp])[] = [
  ...[
    "CON",
    "con",
    "PRN",
    "aux",
    "NUL",
    "nul.txt",
    "Nul.tar.gz",
    "COM1",
    "com9.log",
    "LPT1",
    "lpt9",
    "COM\u00b9",
    "LPT\u00b3",
  ].map((name): [string, RegExp] => [name, /device/]),
  ...["a.", "a ", "..a.", "x. "].map((name): [string, RegExp] => [name, /dot or a space/]),
  ...["a<b", "a>b", "c:d", 'a"b', "a|b", "a?b", "a*b", "a\\b", "a\nb", "a\0b", "\u001f"].map((name): [string, RegExp] => [
    name,
    /can't contain/,
  ]),
  ["a".repeat(256), /longer than 255 UTF-16/],
  ["\u{1f600}".repeat(128), /longer than 255 UTF-16/],
];

const ALLOWED = [
  "file",
  "file.txt",
  "console",
  "con1",
  "com",
  "com10",
  "lpt",
  "nul_",
  "xnul",
  "null.txt",
  "a b",
  ".hidden",
  "a.b.c",
  "-",
  "\u00e4".repeat(255),
  "a".repeat(255),
];

describe("on Windows", () => {
  for (const [name, why] of REFUSED)
    test(`the name ${JSON.stringify(name.slice(0, 20))} is refused`, () => assert.match(windows.refuseName(name) ?? "", why));
  for (const name of ALLOWED)
    test(`the name ${JSON.stringify(name.slice(0, 20))} is allowed`, () => assert.equal(windows.refuseName(name), undefined));

  test("names that differ by case only are one name", () => {
    assert.equal(windows.foldName("Config.JSON"), windows.foldName("config.json"));
    assert.notEqual(windows.foldName("a"), windows.foldName("b"));
    assert.equal(windows.foldName("\u00c4"), windows.foldName("\u00e4"));
  });

  test("a share is not known to be local, a drive is", () => {
    const { fileSystem } = windowsMachine().sync;
    assert.equal(fileSystem("\\\\server\\share\\dir").local, false);
    assert.equal(fileSystem("C:\\dir").local, true);
    assert.equal(fileSystem("\\\\?\\C:\\dir").local, true);
  });
});

describe("on POSIX", () => {
  test("only length and NUL count", () => {
    for (const name of ["CON", "a.", "a ", "c:d", "a\nb", "\\", "a".repeat(255), "\u00e4".repeat(127)])
      assert.equal(posix.refuseName(name), undefined);
    for (const name of ["a".repeat(256), "\u00e4".repeat(128), "\u{1f600}".repeat(64)])
      assert.match(posix.refuseName(name) ?? "", /255 bytes/);
    assert.match(posix.refuseName("a\0b") ?? "", /NUL/);
  });

  test("names that differ by case are two, and on macOS two forms of a letter are one", () => {
    const macos = posixMachine("darwin").sync.traits();
    assert.notEqual(posix.foldName("A"), posix.foldName("a"));
    assert.notEqual(posix.foldName("e\u0301"), posix.foldName("\u00e9"));
    assert.equal(macos.foldName("e\u0301"), macos.foldName("\u00e9"));
  });
});
