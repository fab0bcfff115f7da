/**
 * Makes a fresh clone ready: installs and builds what is missing or out of date, and does nothing, quickly, when nothing is.
 * Plain JavaScript on builtins only, because it runs before anything is installed.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const LOCK = path.join(ROOT, ".setup.lock");
const LOCK_WAIT_MS = 10 * 60_000;
const NAMELESS_LOCK_MS = 5_000;

/** Root dependencies. */
export function ensureInstalled() {
  const step = { name: "install", inputs: ["package-lock.json"], outputs: [], stampDir: "node_modules" };
  ensure(step, () => npmCi(ROOT));
}

/** `src` to `dist`. */
export function ensureBuilt() {
  const inputs = ["src", "tsconfig.json", "package.json", "package-lock.json", "scripts/bundle.mjs"];
  ensure({ name: "build", inputs, outputs: ["dist"], stampDir: "node_modules" }, () =>
    compile("tsconfig.json", "dist", (fresh) => runQuietly(process.execPath, ["scripts/bundle.mjs", fresh], { cwd: ROOT })),
  );
}

/** `test` to `dist-test`. The tests see the library through `dist`, so they are checked again when that changes. */
export function ensureTestsBuilt() {
  const inputs = ["test", "tsconfig.json", "package-lock.json", "dist"];
  ensure({ name: "build-tests", inputs, outputs: ["dist-test"], stampDir: "node_modules" }, () =>
    compile("test/tsconfig.json", "dist-test"),
  );
}

/** The libraries that demo and benchmarks compare with; without them both say "not installed" and go on. */
export function ensureBenchInstalled() {
  if (!fs.existsSync(path.join(ROOT, "bench/package-lock.json"))) return;
  const step = { name: "install", inputs: ["bench/package-lock.json"], outputs: [], stampDir: "bench/node_modules" };
  try {
    ensure(step, () => npmCi(path.join(ROOT, "bench")));
  } catch (error) {
    say(`${error.message}; going on without the libraries to compare with`);
  }
}

/** Runs what `scripts` start with: a failed step ends the process, its output has been shown. */
export function orExit(steps) {
  try {
    steps();
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
}

/** Does `work` unless the stamp that the last success left says that neither inputs nor outputs have changed since. */
function ensure({ name, inputs, outputs, stampDir }, work) {
  const stamp = path.join(ROOT, stampDir, `.holdfast-${name}`);
  const isDone = () => readOr(stamp, "") === contentsOf(inputs) + timesOf(outputs);
  if (isDone()) return;
  withLock(() => {
    if (isDone()) return; // somebody else did it while this process waited
    fs.rmSync(stamp, { force: true });
    const before = contentsOf(inputs); // what is edited while the work goes on is work for the next time
    work();
    fs.mkdirSync(path.dirname(stamp), { recursive: true });
    fs.writeFileSync(stamp, before + timesOf(outputs));
  });
}

/** Inputs count by content: a checkout changes their times. */
function contentsOf(places) {
  const hash = createHash("sha256").update(process.version);
  for (const file of filesBelow(places)) {
    hash.update(`\0${file}\0`);
    hash.update(fs.readFileSync(path.join(ROOT, file)));
  }
  return hash.digest("hex");
}

/** Outputs count by size and time, which tells what was built by hand in between. */
function timesOf(places) {
  const hash = createHash("sha256");
  for (const file of filesBelow(places)) {
    const { size, mtimeMs } = fs.statSync(path.join(ROOT, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

function filesBelow(places) {
  return places.flatMap((place) => {
    const stat = fs.statSync(path.join(ROOT, place), { throwIfNoEntry: false });
    if (!stat?.isDirectory()) return stat ? [place] : [];
    return filesBelow(
      fs
        .readdirSync(path.join(ROOT, place))
        .sort()
        .map((name) => `${place}/${name}`),
    );
  });
}

/** `npm ci` with the tools for building, whatever NODE_ENV says. No package here needs its install scripts. */
function npmCi(cwd) {
  say(`installing ${path.relative(ROOT, cwd) || "dependencies"} (npm ci)`);
  const args = ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { npm_execpath: npm = "" } = process.env;
  // Windows can start npm.cmd through a shell only; below `npm run` npm itself says where it is.
  if (/\.[cm]?js$/.test(npm)) runQuietly(process.execPath, [npm, ...args], { cwd });
  else runQuietly("npm", args, { cwd, shell: process.platform === "win32" });
}

/** Builds beside the old output and then takes its place, so that nobody sees half a build or a file of a deleted source. */
function compile(project, outDir, finish = () => {}) {
  say(`building ${outDir}`);
  const target = path.join(ROOT, outDir);
  // The compiler of a build that was killed may still be writing: names of our own.
  const [fresh, old] = [`${target}-${process.pid}-new`, `${target}-${process.pid}-old`];
  const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
  try {
    runQuietly(process.execPath, [tsc, "-p", project, "--outDir", fresh], { cwd: ROOT });
    finish(fresh);
    if (fs.existsSync(target)) fs.renameSync(target, old);
    fs.renameSync(fresh, target);
  } finally {
    const ours = new RegExp(`^${outDir}-\\d+-(new|old)$`);
    for (const name of fs.readdirSync(ROOT))
      if (ours.test(name)) fs.rmSync(path.join(ROOT, name), { recursive: true, force: true });
  }
}

function runQuietly(command, args, options) {
  const result = spawnSync(command, args, {
    ...options,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 << 20,
  });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  throw new Error(`failed: ${[path.basename(command), ...args].join(" ")}`, { cause: result.error });
}

/** One process at a time installs or builds here. */
function withLock(work) {
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (let said = false; !tryLock(); said = true) {
    if (!said) say("waiting for another process that installs or builds here");
    if (Date.now() > deadline) throw new Error(`still locked; if nothing else runs, remove ${LOCK}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    work();
  } finally {
    fs.rmSync(LOCK, { force: true });
  }
}

/** A lock whose owner has died, or died before it could write its name, is removed for the next try. */
function tryLock() {
  try {
    fs.writeFileSync(LOCK, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    const owner = Number(readOr(LOCK, ""));
    const created = fs.statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    const isDead = owner > 0 ? !isAlive(owner) : Date.now() - created > NAMELESS_LOCK_MS;
    if (isDead) fs.rmSync(LOCK, { force: true });
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== "ESRCH";
  }
}

function readOr(file, otherwise) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return otherwise;
  }
}

function say(line) {
  process.stderr.write(`holdfast: ${line}\n`);
}
