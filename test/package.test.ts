/** The package as its users get it: packed, installed from the tarball, imported, required, bundled, type-checked. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { build, type Format } from "esbuild";
import ts from "typescript";
import { diskBytes, install, installedPackages, node, npm, type Packed, pack, ROOT, temporaryDirectory } from "./package/npm.ts";
import { typeErrors } from "./package/types.ts";

const PACKAGES_MAX = 8;
const INSTALLED_BYTES_MAX = 5_000_000;
const CONSUMER = path.join(ROOT, "test/package/consumer.ts");

interface Manifest {
  readonly version: string;
  readonly main?: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}
const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as Manifest;

describe("the package", { concurrency: true }, () => {
  const work = temporaryDirectory();
  let packed: Packed;
  /** Projects of users: with everything, and without the optional native lock. */
  let full: string;
  let bare: string;

  before(async () => {
    packed = await pack(work);
    [full, bare] = await Promise.all([
      install(path.join(work, "full"), packed.tarball),
      install(path.join(work, "bare"), packed.tarball, "--omit=optional"),
    ]);
  });
  after(() => fs.rmSync(work, { recursive: true, force: true }));

  it("has every file that package.json names, and the license and readme", () => {
    const named = [
      ...Object.values(manifest.exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry))),
    ];
    for (const file of [...named, ...Object.values(manifest.bin), "LICENSE", "README.md"]) {
      assert.ok(packed.files.includes(path.posix.normalize(file)), `${file} is not in the package`);
    }
  });

  it("has nothing but the built library and its documents", () => {
    const others = packed.files.filter((file) => !/^(dist\/.*\.(js|cjs|d\.ts|d\.cts)|docs\/.*\.md)$/.test(file));
    assert.deepEqual(
      others.filter((file) => !["LICENSE", "README.md", "CHANGELOG.md", "package.json"].includes(file)),
      [],
    );
    assert.deepEqual(
      packed.files.filter((file) => /\btests?\b/.test(file)),
      [],
    );
    for (const file of packed.files.filter((name) => name.endsWith("js"))) {
      assert.doesNotMatch(
        fs.readFileSync(path.join(ROOT, file), "utf8"),
        /sourceMappingURL/,
        `${file} points to a source map that is not packed`,
      );
    }
  });

  it("has every module that its modules import, and no module of the bundles a second time", () => {
    const modules = packed.files.filter((file) => /\.c?js$/.test(file));
    for (const file of modules) {
      const text = fs.readFileSync(path.join(ROOT, file), "utf8");
      for (const [, specifier = ""] of text.matchAll(/\b(?:from|import)\s*\(?"(\.[^"]+)"/g)) {
        const target = path.posix.join(path.posix.dirname(file), specifier);
        assert.ok(modules.includes(target), `${file} imports ${specifier}, which is not packed`);
      }
    }
    const bundled = modules.filter((file) => !file.startsWith("dist/cli/") && !file.startsWith("dist/chunks/"));
    assert.deepEqual(bundled.sort(), [
      "dist/checkpoint/index.js",
      "dist/doctor/index.js",
      "dist/index.js",
      "dist/io/native.cjs",
      "dist/lock/index.js",
      "dist/log/index.js",
      "dist/sim/index.js",
      "dist/tiles/geotiff/index.js",
      "dist/tiles/index.js",
      "dist/tx/index.js",
    ]);
  });

  it("offers types and default for every entry, and no import condition: require() works with it too", () => {
    for (const [subpath, entry] of Object.entries(manifest.exports)) {
      if (subpath !== "./package.json") assert.deepEqual(Object.keys(entry), ["types", "default"], subpath);
    }
  });

  it(`installs at most ${PACKAGES_MAX} packages and ${INSTALLED_BYTES_MAX / 1e6} MB`, (t) => {
    const packages = installedPackages(full);
    const bytes = diskBytes(path.join(full, "node_modules"));
    t.diagnostic(`${packages.length} packages, ${(bytes / 1e6).toFixed(2)} MB`);
    assert.ok(packages.includes("holdfast"));
    assert.ok(packages.length <= PACKAGES_MAX, packages.join(" "));
    assert.ok(bytes <= INSTALLED_BYTES_MAX, `${bytes} bytes`);
    assert.ok(!installedPackages(bare).includes("fs-native-extensions"));
  });

  it("import loads builtins only", async () => {
    const hook = `data:text/javascript,${encodeURIComponent(RECORDING_HOOK)}`;
    const code = `import { register } from "node:module"; register(${JSON.stringify(hook)}); await import("holdfast");`;
    const { stderr } = await node(full, ["--input-type=module", "-e", code]);
    const loaded = stderr.match(/loaded .*/g) ?? [];
    assert.ok(
      loaded.some((line) => line.includes("/node_modules/holdfast/")),
      stderr,
    );
    assert.deepEqual(
      loaded.filter((line) => !/node:|\/node_modules\/holdfast\//.test(line)),
      [],
    );
    const { stdout } = await node(full, [
      "-e",
      `import("holdfast").then(() => console.log(Object.keys(require.cache).join("\\n")))`,
    ]);
    assert.deepEqual(
      stdout.split("\n").filter((file) => file !== "" && !file.includes(`${path.sep}holdfast${path.sep}`)),
      [],
    );
  });

  it("require works", { skip: !("require_module" in process.features) && "this Node can't require ES modules" }, async () => {
    const code = `console.log(typeof require("holdfast").writeFileSync, typeof require("holdfast/sim"), typeof require("holdfast/lock").tryLock)`;
    const { stdout } = await node(full, ["--input-type=commonjs", "-e", code]);
    assert.equal(stdout, "function object function\n");
  });

  // A bundle finds the native lock by a path of its own, which is wrong as soon as the code moves to another chunk.
  it("the installed bundle locks with the kernel, where the native lock is installed", {
    skip: process.platform === "win32" && "needs POSIX",
  }, async () => {
    const code = `
      import { capabilities } from "holdfast";
      import { tryLock } from "holdfast/lock";
      const { local, sweep } = await capabilities(".");
      const locks = [];
      for (let count = 0; count < 2; count++) locks.push(await tryLock("a.lock").then((lock) => typeof lock, (error) => error.code));
      console.log(JSON.stringify([local, sweep, ...locks]));`;
    const found = async (dir: string): Promise<unknown[]> => {
      const { stdout } = await node(dir, ["--input-type=module", "-e", code]);
      return JSON.parse(stdout) as unknown[];
    };
    const [local, ...withLock] = await found(full);
    assert.deepEqual(withLock, [local ? "lock" : "never", "object", "undefined"]);
    const without = process.getBuiltinModule?.("node:sqlite") ? ["object", "undefined"] : ["UNSUPPORTED", "UNSUPPORTED"];
    assert.deepEqual(await found(bare), [local, local ? "age" : "never", ...without]);
  });

  it("npx holdfast --version works", async () => {
    const { stdout } = await npm(full, ["exec", "--offline", "--", "holdfast", "--version"]);
    assert.equal(stdout.trim(), manifest.version);
  });

  for (const where of ["full", "bare"] as const) {
    for (const format of ["esm", "cjs"] as const) {
      it(`a bundle works: ${format}, ${where === "full" ? "installed with" : "without"} optional packages`, async () => {
        const dir = where === "full" ? full : bare;
        await writesAFile(await bundle(dir, format), `${where}-${format}`);
      });
    }
  }

  /** One file of JavaScript, away from node_modules, as in an application that ships bundled. */
  async function bundle(dir: string, format: Format): Promise<string> {
    const entry = path.join(dir, `consumer-${format}.ts`);
    fs.copyFileSync(CONSUMER, entry);
    const outfile = path.join(work, `${path.basename(dir)}-bundle`, `program.${format === "esm" ? "mjs" : "cjs"}`);
    const { warnings } = await build({
      entryPoints: [entry],
      bundle: true,
      platform: "node",
      format,
      outfile,
      logLevel: "silent",
    });
    assert.deepEqual(
      warnings.map(({ text }) => text),
      [],
    );
    return outfile;
  }

  async function writesAFile(program: string, name: string): Promise<void> {
    // Each in a directory of its own: a process with the native lock takes the staged file of one without it for a leftover.
    const dir = fs.mkdtempSync(path.join(work, name));
    const { stdout } = await node(dir, [program, path.join(dir, "file.txt")]);
    assert.deepEqual(JSON.parse(stdout), { content: "second", bytes: [5, 6], code: "NOT_FOUND" });
  }

  it("unbundled, works with and without the optional packages", async () => {
    const { outputFiles } = await build({
      entryPoints: [CONSUMER],
      bundle: false,
      platform: "node",
      format: "esm",
      write: false,
    });
    for (const dir of [full, bare]) {
      const program = path.join(dir, "program.mjs");
      fs.writeFileSync(program, outputFiles[0]?.contents ?? "");
      await writesAFile(program, path.basename(dir));
    }
  });

  it("types are right for a strict user, with either module resolution", () => {
    const dir = bare;
    fs.copyFileSync(CONSUMER, path.join(dir, "consumer.ts"));
    // A CommonJS file may only require what its resolution says it may.
    fs.writeFileSync(path.join(dir, "required.cts"), 'import { writeFileSync } from "holdfast";\nwriteFileSync("x", "");\n');
    fs.writeFileSync(path.join(dir, "wrong.ts"), 'import { writeFileSync } from "holdfast";\nwriteFileSync(1, "");\n');
    const nodenext = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
    const bundler = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
    assert.deepEqual(typeErrors(dir, ["consumer.ts", "required.cts"], nodenext), []);
    assert.deepEqual(typeErrors(dir, ["consumer.ts"], bundler), []);
    const [wrong = "", ...others] = typeErrors(dir, ["wrong.ts"], nodenext);
    assert.match(wrong, /wrong\.ts: .*'number' is not assignable/);
    assert.deepEqual(others, []);
  });

  it("every entry can be imported", async () => {
    const entries = Object.keys(manifest.exports).filter((subpath) => subpath !== "./package.json");
    const specifiers = entries.map((subpath) => `holdfast${subpath.slice(1)}`);
    await node(bare, [
      "--input-type=module",
      "-e",
      specifiers.map((specifier) => `await import(${JSON.stringify(specifier)});`).join("\n"),
    ]);
  });
});

/** Prints every module that the program after it loads. */
const RECORDING_HOOK = `
import { writeSync } from "node:fs";
export async function load(url, context, next) {
  writeSync(2, "loaded " + url + "\\n");
  return next(url, context);
}`;
