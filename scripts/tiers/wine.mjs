/** Wine from Debian's packages, and one prefix of it: a Windows of its own, in a directory that can be removed. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { ensureCommand } from "../debian.mjs";

/** Whom tests run as if the tier runs as root, who may write to read-only files: nobody. */
const USER = 65534;

/** Makes Wine available, or says why not. */
export function ensureWine() {
  if (process.platform !== "linux" || process.arch !== "x64") return "needs Linux on x64, for Wine";
  ensureCommand("wine", "wine64", "wine");
  return versionOf() ? undefined : "needs Wine; apt-get install wine64 wine";
}

/** "8.0", or undefined. */
function versionOf() {
  return /^wine-(\d+\.\d+)/.exec(spawnSync("wine", ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1];
}

/** A Windows whose drive C: is in `dir`, which it owns. */
export class Prefix {
  version = versionOf();
  #dir;
  #identity = process.getuid() === 0 ? { uid: USER, gid: USER } : {};
  #env;

  constructor(dir) {
    this.#dir = dir;
    this.own(dir);
    // A bare environment: what is set for Linux means nothing there.
    this.#env = {
      PATH: process.env.PATH,
      HOME: dir,
      WINEPREFIX: path.join(dir, "prefix"),
      WINEARCH: "win64",
      WINEDEBUG: "-all",
      WINEDLLOVERRIDES: "mscoree,mshtml=;winedbg.exe=d", // no offers to install Mono and Gecko, no debugger that waits
    };
  }

  /** The path that Windows programs see `file` under. */
  seen(file) {
    return `Z:${file.replaceAll("/", "\\")}`;
  }

  /** Gives `file` and all below it to the user of this Windows. */
  own(file) {
    const { uid, gid } = this.#identity;
    if (uid === undefined) return;
    fs.chownSync(file, uid, gid);
    if (fs.statSync(file).isDirectory()) for (const name of fs.readdirSync(file)) this.own(path.join(file, name));
  }

  /** Makes drive C: and the registry. Windows 10, as Node refuses the Windows 7 that Wine 8 says it is. */
  async create() {
    for (const args of [
      ["wineboot", "-i"],
      ["winecfg", "-v", "win10"],
    ]) {
      const { code, output } = await this.run(args);
      if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${output}`);
    }
  }

  /** A build of Node that this Wine can run. */
  adapt(node, version) {
    const file = path.join(this.#dir, `node-${version}.exe`);
    const bytes = fs.readFileSync(node);
    if (Number.parseInt(this.version, 10) < 9) {
      // Wine 8 exports VirtualAlloc2 and does not implement its placeholders, on which V8 from Node 24 on gives up. Where the
      // function is missing V8 has another way, so it is given a name that nobody finds: one byte.
      const at = bytes.indexOf("VirtualAlloc2\0");
      if (at >= 0) bytes.write("X", at + "VirtualAlloc".length, "latin1");
    }
    fs.writeFileSync(file, bytes, { mode: 0o755 });
    this.own(file);
    return file;
  }

  /** Runs a program and waits for its end. Output goes through a file: libuv can't use a Linux pipe as standard output. */
  async run(command, { cwd = this.#dir, env = {}, timeoutMs = 120_000 } = {}) {
    const log = path.join(this.#dir, "output");
    const output = fs.openSync(log, "w");
    const [program, ...args] = command[0].endsWith(".exe") ? ["wine", ...command] : command;
    const options = { cwd, env: { ...this.#env, ...env }, stdio: ["ignore", output, output], ...this.#identity };
    const child = spawn(program, args, options);
    const timer = setTimeout(() => this.end(), timeoutMs);
    const [code, signal] = await once(child, "exit");
    clearTimeout(timer);
    fs.closeSync(output);
    return { code: code ?? signal, output: fs.readFileSync(log, "utf8").replaceAll("\r", "") };
  }

  /** Ends every process of this Windows, and waits for that. */
  end() {
    for (const flag of ["-k", "-w"]) spawnSync("wineserver", [flag], { env: this.#env, stdio: "ignore", ...this.#identity });
  }

  /** Ends it and removes its directory. */
  remove() {
    this.end();
    fs.rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }
}
