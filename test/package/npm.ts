/** Packs this package and installs the tarball as a user would, with nothing cached. */
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

const runFile = promisify(execFile);

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs node with `args`; a failure is thrown with all its output. */
export function node(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return runFile(process.execPath, args, { cwd, env: { ...outerEnv(), ...env } });
}

export function npm(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const { npm_execpath: script = "" } = process.env;
  if (/\.[cm]?js$/.test(script)) return node(cwd, [script, ...args], env);
  return runFile("npm", args, { cwd, env: { ...outerEnv(), ...env }, shell: process.platform === "win32" });
}

/** Without the settings that `npm test` gives its children: they are about the wrong package. Registry settings stay. */
function outerEnv(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle|config_(local_prefix|prefix))|NODE_TEST_CONTEXT$|NODE_ENV$)/.test(name),
  );
  return Object.fromEntries(entries);
}

export function temporaryDirectory(): string {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-package-")));
}

export interface Packed {
  readonly tarball: string;
  /** Paths in the package. */
  readonly files: readonly string[];
}

/** `npm pack` of what is built. */
export async function pack(to: string): Promise<Packed> {
  const { stdout } = await npm(ROOT, ["pack", "--json", "--ignore-scripts", "--pack-destination", to]);
  const report = JSON.parse(stdout) as unknown;
  // npm 12 is to answer with an object by package name.
  const [packed] = (Array.isArray(report) ? report : Object.values(report as object)) as {
    filename: string;
    files: { path: string }[];
  }[];
  if (!packed) throw new Error(`npm pack answered ${stdout}`);
  return { tarball: path.join(to, packed.filename), files: packed.files.map((file) => file.path) };
}

/** A new project in `dir` with the tarball installed. */
export async function install(dir: string, tarball: string, ...options: readonly string[]): Promise<string> {
  fs.mkdirSync(dir);
  fs.writeFileSync(path.join(dir, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  await npm(dir, ["install", "--no-audit", "--no-fund", ...options, tarball], { npm_config_cache: `${dir}-cache` });
  return dir;
}

/** The packages in `node_modules`, nested ones too. */
export function installedPackages(dir: string): string[] {
  const below = fs.readdirSync(path.join(dir, "node_modules"), { recursive: true, withFileTypes: true });
  return below
    .filter((entry) => entry.isFile() && entry.name === "package.json")
    .map((entry) =>
      path
        .dirname(path.join(entry.parentPath ?? entry.path, entry.name))
        .split(path.sep)
        .join("/"),
    )
    .filter((folder) => /\/node_modules\/(@[^/]+\/)?[^/@]+$/.test(folder))
    .map((folder) => folder.slice(folder.lastIndexOf("/node_modules/") + "/node_modules/".length));
}

/** What `dir` takes on disk. */
export function diskBytes(dir: string): number {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath ?? entry.path, entry.name)).size, 0);
}
