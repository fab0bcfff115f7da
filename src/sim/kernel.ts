/** The system of one simulated disk: what it sees now, what is open, and the record of how it came to that. */
import type { Acknowledgement, Log, Step, Sync } from "./log.ts";
import type { Birth, MicroOp } from "./micro-op.ts";
import { type Platform, platformOf, type SimDiskOptions } from "./platform.ts";
import { type Inode, ROOT, Volume } from "./volume.ts";

/** An open descriptor, and the lock that it holds. */
export interface Opened {
  readonly inode: Inode;
  readonly path: string;
  readonly process: string;
  readonly writable: boolean;
  /** Nobody else may open the file (Windows, share mode 0). */
  readonly alone: boolean;
  lock: "exclusive" | "shared" | undefined;
}

/** A name that was removed while somebody had the file open. */
interface Leaving {
  readonly dir: number;
  readonly key: string;
  readonly name: string;
}

/** A {@link MicroOp} before the system has numbered it. */
export type Change = MicroOp extends infer O
  ? O extends MicroOp
    ? Omit<O, "asked" | "atMs" | "part" | "seq" | "step"> & { readonly part?: number }
    : never
  : never;

/** A wall clock to start from: 2026-01-01. */
const START_MS = Date.UTC(2026, 0, 1);
const ROOT_BIRTH: Birth = { kind: "directory", text: "", mode: 0o755, userId: 1000, groupId: 1000 };

interface Past {
  readonly setupInodes: number;
  readonly nowMs: number;
  readonly step: number;
  readonly processCount: number;
  readonly boot: number;
}

/** See above. */
export class Kernel {
  readonly options: SimDiskOptions;
  readonly platform: Platform;
  /** What was on the disk when it was mounted: all of it durable. */
  readonly base: Volume;
  readonly volume: Volume;
  readonly opened = new Set<Opened>();
  /** Names that go with the last close of their file (Windows, delete pending); they stay if the system is cut before. */
  readonly #leaving = new Map<Inode, Leaving>();
  readonly log: {
    readonly ops: MicroOp[];
    readonly syncs: Sync[];
    readonly acknowledgements: Acknowledgement[];
    readonly steps: Step[];
  };
  nowMs: number;
  step: number;
  processCount: number;
  /** How often it was started again. */
  readonly boot: number;
  /** While true, changes are durable at once and not recorded: the disk is being set up. */
  settingUp = false;
  setupInodes: number;
  #asked = 0;

  private constructor(options: SimDiskOptions, base: Volume, past: Past, log?: Log) {
    this.options = options;
    this.platform = platformOf(options);
    this.base = base;
    this.volume = base.clone();
    ({ nowMs: this.nowMs, step: this.step, processCount: this.processCount, setupInodes: this.setupInodes } = past);
    this.boot = past.boot;
    const { ops = [], syncs = [], acknowledgements = [], steps = [] } = log ?? {};
    this.log = { ops: [...ops], syncs: [...syncs], acknowledgements: [...acknowledgements], steps: [...steps] };
    for (const op of ops) this.volume.apply(op);
  }

  /** An empty disk. */
  static empty(options: SimDiskOptions): Kernel {
    const base = new Volume();
    base.apply({ kind: "birth", inode: ROOT, birth: ROOT_BIRTH, seq: 0, step: 0, asked: 0, part: 0, atMs: START_MS });
    return new Kernel(options, base, { nowMs: START_MS, step: 0, processCount: 0, setupInodes: ROOT, boot: 1 });
  }

  /** The system after a restart that found `volume`: time and numbers go on, nothing is open, nothing is pending. */
  restarted(volume: Volume): Kernel {
    const { setupInodes, nowMs, step, processCount, boot } = this;
    return new Kernel(this.options, volume, { setupInodes, nowMs, step, processCount, boot: boot + 1 });
  }

  /** This system as it was when only `ops` had happened: all processes are dead, and what was pending still is. */
  asOf(step: number, ops: readonly MicroOp[]): Kernel {
    const upTo = <T extends { readonly step: number }>(list: readonly T[]): T[] => list.filter((one) => one.step <= step);
    const { syncs, acknowledgements, steps } = this.log;
    const log = {
      ops,
      syncs: upTo(syncs),
      acknowledgements: upTo(acknowledgements),
      steps: steps.filter((one) => one.number <= step),
    };
    return new Kernel(this.options, this.base, this, log);
  }

  /** Makes and records one change. */
  change(change: Change): void {
    const op = { part: 0, ...change, seq: this.log.ops.length, step: this.step, asked: this.#asked, atMs: this.nowMs } as MicroOp;
    this.volume.apply(op);
    if (this.settingUp) this.base.apply(op);
    else this.log.ops.push(op);
  }

  /** Lets a name go with the last close of its file. */
  leave(inode: Inode, name: Leaving): void {
    this.#leaving.set(inode, name);
  }

  /** Whether the name of the file is still there although it was removed. */
  isLeaving(inode: Inode): boolean {
    return this.#leaving.has(inode);
  }

  /** Closes a descriptor. */
  close(opened: Opened): void {
    this.opened.delete(opened);
    const leaving = this.#leaving.get(opened.inode);
    if (!leaving || [...this.opened].some(({ inode }) => inode === opened.inode)) return;
    this.#leaving.delete(opened.inode);
    const { dir, key, name } = leaving;
    this.change({ kind: "entry", inode: dir, key, name, child: undefined });
  }

  /** Records a sync of one object. A disk without persistence has none. */
  sync(inode: Inode, failed = false): void {
    if (this.platform.persistent) this.log.syncs.push({ step: this.step, inode: inode.number, failed });
  }

  /** Begins a request, or anything else that has a place in the order. */
  begin(process: string, op: string, text: string, asked: number = this.step): Step {
    this.#asked = asked;
    const step: Step = { number: ++this.step, process, op, text };
    this.log.steps.push(step);
    return step;
  }

  /** Records what has been told to somebody. */
  acknowledge(process: string, value: unknown, end: boolean): void {
    const { number } = this.begin(process, end ? "(the scenario has ended)" : "(acknowledged)", describe(value));
    this.log.acknowledgements.push({ step: number, value, end });
  }
}

function describe(value: unknown): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
