/** A disk in memory, for the tests of whoever writes files. */
import { type Actor, failing, find, findExisting } from "./actor.ts";
import { PowerCut } from "./crash-states.ts";
import { newObject, writeBlocks } from "./file-requests.ts";
import { Kernel } from "./kernel.ts";
import { namesIn } from "./lookup.ts";
import type { SimDiskOptions } from "./platform.ts";
import { type ProcessOptions, SimProcess } from "./process.ts";
import { PROFILES, type ProfileName } from "./profiles.ts";
import { subsets } from "./subsets.ts";
import { type Inode, ROOT, readBytes, type Volume } from "./volume.ts";

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const LINK_MODE = 0o777;
const USER_ID = 1000;

/**
 * A simulated disk, in memory: files, directories, links, locks, and all that a crash can do to them.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @example
 * const disk = new SimDisk();
 * disk.writeFile("/app/config.json", "{}");
 * await onDisk(disk, () => writeFile("/app/config.json", '{"a":1}'));
 * assert.equal(disk.readText("/app/config.json"), '{"a":1}');
 */
export class SimDisk {
  /** @internal */
  readonly kernel: Kernel;

  /** @param kernel For the simulator only: the system of a disk that there is already. */
  constructor(options: SimDiskOptions = {}, kernel: Kernel = Kernel.empty(options)) {
    this.kernel = kernel;
  }

  /** A new process on this disk. */
  process(options: ProcessOptions = {}): SimProcess {
    return new SimProcess(this.kernel, options);
  }

  /** Puts a file there, with its directories, all durable: what was there before the test began. */
  writeFile(path: string, content: string | Uint8Array, mode: number = FILE_MODE): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const inode = this.#place(path, "file", "", mode);
    this.#durably(() => writeBlocks(this.kernel, inode, bytes));
  }

  /** Puts a directory there, with those above it, all durable. */
  makeDir(path: string): void {
    this.#place(path, "directory", "", DIRECTORY_MODE);
  }

  /** Puts a symbolic link there, durable. */
  symlink(path: string, target: string): void {
    this.#place(path, "symlink", target, LINK_MODE);
  }

  /** The content of a file, or undefined if there is none; symbolic links are followed. */
  readFile(path: string): Uint8Array | undefined {
    const inode = this.#found(path);
    return inode?.kind === "file" ? readBytes(inode, 0, inode.sizeBytes) : undefined;
  }

  /** As {@link readFile}, as text. */
  readText(path: string): string | undefined {
    const bytes = this.readFile(path);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** All that is below the root, by path: files with their text, `/` after directories, links as `-> target`. */
  tree(): Record<string, string> {
    const tree: Record<string, string> = {};
    for (const { path, inode } of this.kernel.volume.walk()) {
      if (inode.number === ROOT) continue;
      if (inode.kind === "directory") tree[`${path}/`] = "";
      else
        tree[path] =
          inode.kind === "symlink" ? `-> ${inode.text}` : new TextDecoder().decode(readBytes(inode, 0, inode.sizeBytes));
    }
    return tree;
  }

  /** Every file that is open now, by whomever. */
  openPaths(): string[] {
    return [...this.kernel.opened].map(({ path }) => path);
  }

  /** Lets time pass. */
  advance(milliseconds: number): void {
    this.kernel.nowMs += milliseconds;
  }

  /** The disk after a power loss now that took all it could: only what was synced is left. */
  afterPowerLoss(): SimDisk {
    const cut = this.#cut("strict");
    return restarted(this, cut.volume(new Set()));
  }

  /** Every disk that a power loss now could leave, each once. */
  *powerLossStates(profile: ProfileName = "strict"): Generator<SimDisk> {
    const cut = this.#cut(profile);
    const seen = new Set<string>();
    for (const kept of subsets(cut.units, this.kernel.options.seed ?? 0)) {
      const volume = cut.volume(kept);
      const key = volume.fingerprint();
      if (seen.has(key)) continue;
      seen.add(key);
      yield restarted(this, volume);
    }
  }

  #place(path: string, kind: Inode["kind"], text: string, mode: number): Inode {
    const names = namesIn(path);
    const name = names.pop() ?? "";
    if (names.length > 0 && !this.#found(`/${names.join("/")}`)) this.makeDir(names.join("/"));
    const { dir, inode } = find(this.#setup, path, false, failing("setup", path));
    if (inode?.kind === "directory" && kind === "directory") return inode;
    return this.#durably(() => newObject(this.#setup, dir, name, { kind, text, mode }, USER_ID));
  }

  #durably<T>(changes: () => T): T {
    this.kernel.settingUp = true;
    try {
      return changes();
    } finally {
      this.kernel.settingUp = false;
    }
  }

  #found(path: string): Inode | undefined {
    const absent = Symbol();
    const fail = (): never => {
      throw absent;
    };
    try {
      return findExisting(this.#setup, path, true, fail).inode;
    } catch (error) {
      if (error === absent) return undefined;
      throw error;
    }
  }

  #cut(profile: ProfileName): PowerCut {
    return new PowerCut(this.kernel, PROFILES[profile], this.kernel.step + 1);
  }

  get #setup(): Actor {
    const nextInode = (): number => ++this.kernel.setupInodes;
    return { kernel: this.kernel, name: "setup", userId: 0, files: new Map(), nextInode, random: () => 0 };
  }
}

function restarted({ kernel }: SimDisk, volume: Volume): SimDisk {
  return new SimDisk(kernel.options, kernel.restarted(volume));
}

/**
 * Calls `body`, and all that it starts, on a process of `disk`: Holdfast then reads and writes there and nowhere else.
 *
 * Experimental, as {@link SimDisk}.
 */
export function onDisk<T>(disk: SimDisk, body: () => T, options: ProcessOptions = {}): T {
  return disk.process(options).run(body);
}
