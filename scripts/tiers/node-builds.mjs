/** Builds of Node from the npm packages that carry them, kept in `.cache/node` of the checkout. */
import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../ensure.mjs";

const CACHE = path.join(ROOT, ".cache", "node");
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;

const run = promisify(execFile);

/** There is no build of this version for this platform, or it can't be had now: a reason to skip. */
export class NoBuild extends Error {}

/**
 * The path of `node` in one version for `platform` and `arch`, named as in `process`.
 *
 * npm checks what it downloads against the digest that the registry has for it.
 */
export async function nodeBuild(version, platform = process.platform, arch = process.arch) {
  const windows = platform === "win32";
  const name = `node-${windows ? "win" : platform}-${arch}`;
  const dir = path.join(CACHE, `${name}-${version}`);
  const file = path.join(dir, windows ? "node.exe" : "node");
  if (fs.existsSync(file)) return file;
  fs.mkdirSync(CACHE, { recursive: true });
  const fresh = fs.mkdtempSync(path.join(CACHE, "fresh-"));
  try {
    await npm("pack", "--silent", "--pack-destination", fresh, `${name}@${version}`);
    const archive = fs.readdirSync(fresh).find((entry) => entry.endsWith(".tgz"));
    const member = `package/bin/${path.basename(file)}`;
    await run("tar", ["-xzf", path.join(fresh, archive), "-C", fresh, member]);
    fs.mkdirSync(dir, { recursive: true });
    fs.renameSync(path.join(fresh, member), file);
  } catch (error) {
    const why = String(error.stderr || error.message)
      .trim()
      .split("\n")
      .at(-1);
    throw new NoBuild(`no ${name}@${version} from npm: ${why}`, { cause: error });
  } finally {
    fs.rmSync(fresh, { recursive: true, force: true });
  }
  return file;
}

/** As ensure.mjs says: Windows can start npm.cmd through a shell only. */
function npm(...args) {
  const { npm_execpath: cli = "" } = process.env;
  const options = { cwd: ROOT, timeout: DOWNLOAD_TIMEOUT_MS };
  if (/\.[cm]?js$/.test(cli)) return run(process.execPath, [cli, ...args], options);
  return run("npm", args, { ...options, shell: process.platform === "win32" });
}
