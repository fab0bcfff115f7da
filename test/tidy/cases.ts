/** For every rule: what it must find, and what it must let pass. A rule that can't fail proves nothing. */
import type { RuleName } from "./rules.ts";

type Files = Readonly<Record<string, string>>;

export interface Case {
  readonly rule: RuleName;
  readonly bad: Files;
  /** A part of what the rule must say about `bad`; it must say exactly one thing. */
  readonly says: string;
  /** Its innocent twin, where the rule must say nothing. */
  readonly good?: Files;
}

const manifest = (fields: object): string => JSON.stringify(fields);
const PROGRAM = `
export type Program<T> = Generator<unknown, T, unknown>;
export function* syncDir(path: string): Program<boolean> { return (yield path) as boolean; }
`;
const inCore = (body: string): Files => ({
  "src/io/program.ts": PROGRAM,
  "src/core/a.ts": `import { syncDir, type Program } from "../io/program.ts";\n${body}`,
});
const lines = (count: number): string => "x;\n".repeat(count);
const module = (code: string): Files => ({ "src/core/a.ts": code });
const inCli = (code: string): Files => ({ "src/cli/a.ts": code });

export const CASES: readonly Case[] = [
  {
    rule: "layers",
    bad: module(`import "../file/index.ts";`),
    says: "core must not import file",
    good: { "src/file/a.ts": `import "../core/a.ts";` },
  },
  { rule: "layers", bad: { "src/format/a.ts": `import "../io/io.ts";` }, says: "format must not import io" },
  {
    rule: "layers",
    bad: { "src/blob/a.ts": `import "../cache/index.ts";` },
    says: "blob must not import cache",
    good: { "src/blob/a.ts": `import "../store/index.ts";` },
  },
  { rule: "layers", bad: { "src/tx/a.ts": `export { a } from "../file/index.ts";` }, says: "tx must not import file" },
  {
    rule: "layers",
    bad: { "src/file/a.ts": `import("../sim/index.ts");` },
    says: "library code must not import sim",
    good: inCli(`import "../sim/index.ts";`),
  },
  {
    rule: "layers",
    bad: { "src/sim/a.ts": `import "../file/index.ts";` },
    says: "sim must not import file",
    good: { "src/sim/a.ts": `import "../core/a.ts";` },
  },
  {
    rule: "layers",
    bad: { "src/blob/a.ts": `type A = import("../lock/os-lock.ts").A;` },
    says: "through lock/index.ts",
    good: { "src/blob/a.ts": `import "../core/deep.ts";` },
  },
  { rule: "layers", bad: inCli(`import "../core/a.ts";`), says: "it sees what users see", good: inCli(`import "../index.ts";`) },
  { rule: "layers", bad: { "src/helpers/a.ts": "" }, says: "not in the layer table" },

  {
    rule: "seam",
    bad: module(`import fs from "node:fs";`),
    says: "node:fs outside src/io",
    good: { "src/io/a.ts": `import fs from "node:fs"; setTimeout(f); Date.now();` },
  },
  {
    rule: "seam",
    bad: module(`const os = require("os");`),
    says: "os outside src/io",
    good: module(`import path from "node:path";`),
  },
  {
    rule: "seam",
    bad: module(`process.getBuiltinModule("node:child_process");`),
    says: "node:child_process",
    good: module(`process.getBuiltinModule("node:sqlite");`),
  },
  { rule: "seam", bad: module(`import { setTimeout as later } from "timers/promises";`), says: "timers/promises" },
  { rule: "seam", bad: module("globalThis.setTimeout(f, 1);"), says: "setTimeout", good: module("socket.setTimeout(1);") },
  {
    rule: "seam",
    bad: module("if (process.platform) f();"),
    says: "process.platform",
    good: inCli("if (process.platform) f();"),
  },
  { rule: "seam", bad: module(`f(process["platform"]);`), says: "process.platform" },
  { rule: "seam", bad: module("const now = Date.now();"), says: "Date.now", good: module("const then = new Date(5);") },
  { rule: "seam", bad: module("const now = new Date();"), says: "new Date()" },
  { rule: "seam", bad: module("performance.now();"), says: "performance.now" },
  { rule: "seam", bad: module("Math.random();"), says: "Math.random", good: module("Math.max(1, 2);") },
  { rule: "seam", bad: module("AbortSignal.timeout(5);"), says: "AbortSignal.timeout", good: module("AbortSignal.any([]);") },
  {
    rule: "seam",
    bad: module(`import { randomBytes } from "node:crypto";`),
    says: "random",
    good: module(`import { createHash } from "node:crypto";`),
  },

  {
    rule: "packages",
    bad: { ...module(`import "left-pad";`), "package.json": manifest({ devDependencies: { "left-pad": "1" } }) },
    says: "left-pad is not declared",
    good: { ...module(`import "left-pad/sub";`), "package.json": manifest({ dependencies: { "left-pad": "1" } }) },
  },
  {
    rule: "packages",
    bad: { "test/a.ts": `import "@a/b/c";` },
    says: "@a/b is not declared",
    good: { "test/a.ts": `import "@a/b/c"; import "holdfast";`, "package.json": manifest({ devDependencies: { "@a/b": "1" } }) },
  },
  {
    rule: "packages",
    bad: { ...module(`import a from "fast";`), "package.json": manifest({ optionalDependencies: { fast: "1" } }) },
    says: "fast is optional",
    good: { ...module(`import("fast");`), "package.json": manifest({ optionalDependencies: { fast: "1" } }) },
  },
  {
    rule: "packages",
    bad: { ...module(`import a from "peer";`), "package.json": manifest({ peerDependencies: { peer: "1" } }) },
    says: "peer is optional",
    good: { ...module(`import("peer");`), "package.json": manifest({ peerDependencies: { peer: "1" } }) },
  },
  {
    rule: "packages",
    bad: { "package.json": manifest({ dependencies: { unused: "1" } }) },
    says: "imports the dependency unused",
  },

  {
    rule: "deadFiles",
    bad: module("export const a = 1;"),
    says: "src/core/a.ts:1: dead file",
    good: { ...module(`import "./b.ts";`), "src/core/b.ts": `import("./a.js");` },
  },
  {
    rule: "deadFiles",
    bad: { "src/extra.ts": "" },
    says: "src/extra.ts",
    good: {
      "src/extra.ts": "",
      "package.json": manifest({ exports: { "./extra": { types: "./dist/extra.d.ts", default: "./dist/extra.js" } } }),
    },
  },

  {
    rule: "deadExports",
    bad: module("export const a = 1;"),
    says: "nobody imports a",
    good: { ...module("export const a = 1;"), "test/a.test.ts": `import { a as b } from "../dist/core/a.js";` },
  },
  {
    rule: "deadExports",
    bad: module("export interface A {}"),
    says: "nobody imports A",
    good: { ...module("export interface A {} export function f(a: A) {}"), "src/core/b.ts": `import { f } from "./a.ts";` },
  },
  {
    rule: "deadExports",
    bad: { "src/file/index.ts": `export { a } from "./a.ts";`, "src/file/a.ts": "export function a() {}" },
    says: "src/file/index.ts:1: dead export",
    good: {
      "src/index.ts": `export { a } from "./file/index.ts";`,
      "src/file/index.ts": `export { a } from "./a.ts";`,
      "src/file/a.ts": "export function a() {}",
      "package.json": manifest({ exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } } }),
    },
  },

  { rule: "moduleForm", bad: module("export default 1;"), says: "default export", good: { "src/io/native.cts": "export = 1;" } },
  { rule: "moduleForm", bad: module("export default function f() {}"), says: "default export" },
  { rule: "moduleForm", bad: module(`export * from "./b.ts";`), says: "export *", good: module(`export { b } from "./b.ts";`) },
  { rule: "moduleForm", bad: module("enum A { B }"), says: "enum" },
  { rule: "moduleForm", bad: module("namespace A {}"), says: "namespace" },
  {
    rule: "moduleForm",
    bad: module("class A { constructor(readonly b: string) {} }"),
    says: "parameter property",
    good: module("class A { constructor(b: string) {} }"),
  },
  { rule: "moduleForm", bad: module("f(import.meta.url);"), says: "import.meta", good: inCli("f(import.meta.url); await g();") },
  { rule: "moduleForm", bad: module("const a = await f();"), says: "top-level await", good: module("async () => await f();") },
  { rule: "moduleForm", bad: module("for await (const a of b) f(a);"), says: "top-level await" },

  { rule: "sizes", bad: { "test/a.ts": lines(501) }, says: "501 lines, at most 500", good: { "test/a.ts": lines(500) } },
  {
    rule: "sizes",
    bad: module(lines(101)),
    says: "50 % of the files are to have at most 100 lines, but it takes 101",
    good: { "src/core/a.ts": lines(300), "src/core/b.ts": lines(2), "src/core/c.ts": lines(100) },
  },
  { rule: "sizes", bad: { "src/core/a.ts": lines(301), "src/core/b.ts": "", "src/core/c.ts": "" }, says: "90 % of the files" },
  {
    rule: "sizes",
    bad: module(`const f = () => {\n${lines(69)}};`),
    says: "a function of 71 lines",
    good: module(`const f = () => {\n${lines(68)}};`),
  },

  {
    rule: "floatingPrograms",
    bad: inCore(`export function* f(): Program<void> { syncDir("a"); }`),
    says: "syncDir(...) is dropped",
    good: inCore(`export function* f(): Program<void> { yield* syncDir("a"); const later = syncDir("b"); yield* later; }`),
  },
  { rule: "floatingPrograms", bad: inCore(`export function f(): void { void syncDir("a"); }`), says: "syncDir(...) is dropped" },
  {
    rule: "floatingPrograms",
    bad: inCore(`export async function f(): Promise<void> { await syncDir("a"); }`),
    says: "is dropped",
    good: inCore(`export async function f(): Promise<void> { await Promise.resolve(); }`),
  },
  {
    rule: "floatingPrograms",
    bad: inCore(`export function f(a: boolean): void { a && syncDir("a"); }`),
    says: "is dropped",
    good: inCore("export function f(a: boolean): void { a && console.log(); }"),
  },
  {
    rule: "floatingPrograms",
    bad: inCore(`export function f(): void { ["a"].forEach((path) => syncDir(path)); }`),
    says: "is dropped",
    good: inCore(`export const f = (): unknown[] => ["a"].map((path) => syncDir(path));`),
  },
  {
    rule: "floatingPrograms",
    bad: inCore('const renamed = syncDir; export function f(): void { renamed("a"); }'),
    says: "renamed(...) is dropped",
  },

  {
    rule: "yieldInFinally",
    bad: module("function* f() { try {} finally { yield 1; } }"),
    says: "yield in finally",
    good: module("function* f() { try { yield 1; } finally { g(function* () { yield 1; }); } }"),
  },

  {
    rule: "asyncInCore",
    bad: module("async function f() {}"),
    says: "no place in src/core",
    good: { "src/file/a.ts": "async function f() { await g(); }" },
  },
  {
    rule: "asyncInCore",
    bad: module("let a: Promise<void>;"),
    says: "no place in src/core",
    good: module("let a: PromiseLike<void>;"),
  },

  { rule: "blindCatch", bad: module("try {} catch {}"), says: "bare catch", good: module("try {} catch (error) { f(error); }") },
  { rule: "blindCatch", bad: module("try {} catch (error) { f(); }"), says: "never looks at error" },

  {
    rule: "untypedErrors",
    bad: module(`throw new Error("a");`),
    says: "untyped error",
    good: module(`throw new TypeError("a");`),
  },
  {
    rule: "untypedErrors",
    bad: module(`throw AggregateError([]);`),
    says: "untyped error",
    good: { "src/errors.ts": "new Error();", "src/sim/system-error.ts": "new Error();" },
  },

  { rule: "consoleOutsideCli", bad: module("console.log(1);"), says: "console outside src/cli", good: inCli("console.log(1);") },

  {
    rule: "leftovers",
    bad: { "README.md": `${"FIX"}${"ME"}: later` },
    says: "README.md:1: unfinished work",
    good: { "README.md": "prefixmer" },
  },

  { rule: "ascii", bad: module("// caf\u00e9"), says: "not ASCII", good: { "docs/a.md": "caf\u00e9" } },

  {
    rule: "machineTraces",
    bad: { "docs/a.md": `in /${"home"}/me/x` },
    says: "a path of somebody's machine",
    good: { "docs/a.md": "in ~/home/me, a/work/b, https://x.org/home/y, /var/tmp" },
  },
  { rule: "machineTraces", bad: { "scripts/a.mjs": `cd("/${"work"}")` }, says: "a path of somebody's machine" },
  {
    rule: "machineTraces",
    bad: { "a.json": `https://registry.${"npmjs"}.org/a` },
    says: "the name of a package host",
    good: { "a.md": "see npmjs.com" },
  },
  { rule: "machineTraces", bad: { "bench/package-lock.json": `"resolved": "a.tgz"` }, says: "a download address" },

  {
    rule: "documents",
    bad: { "docs/a.md": "# A\n\n# B\n" },
    says: "2 titles",
    good: { "docs/a.md": "# A\n\n```sh\n# comment\n```\n\n## B\n" },
  },
  { rule: "documents", bad: { "docs/a.md": "no title" }, says: "0 titles" },
  {
    rule: "documents",
    bad: { "docs/a.md": "# A\n[b](b.md#c)" },
    says: "docs/a.md:2: the link leads nowhere: b.md#c",
    good: { "docs/a.md": "# A\n[b](../src/core) [c](#x) [d](https://x.org) `[e](f)`", "src/core/a.ts": "" },
  },
];
