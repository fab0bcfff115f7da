/** A simulated process: one {@link Machine}, with descriptors, locks and random numbers of its own. */
import { HoldfastError } from "../errors.ts";
import { sharingBarriers } from "../io/barriers.ts";
import { withMachine } from "../io/current.ts";
import type { Call, File, Io, IoSync, Machine, Op } from "../io/io.ts";
import { turn } from "../io/turns.ts";
import { type Actor, failing, find } from "./actor.ts";
import type { Around } from "./around.ts";
import { type Fault, faulty } from "./faults.ts";
import { fileRequests } from "./file-requests.ts";
import type { Kernel } from "./kernel.ts";
import { lockRequests } from "./lock-requests.ts";
import { nameRequests } from "./name-requests.ts";
import { below, seeded } from "./seeded.ts";
import { printCall, printReply } from "./trace.ts";

/** Options of one simulated process. */
export interface ProcessOptions {
  /** The user it runs as; 0 may do everything. Default 1000, whom all that is on a new disk belongs to. */
  readonly userId?: number | undefined;
  /** What goes wrong. */
  readonly faults?: readonly Fault[] | undefined;
}

/** Options for the simulator itself. */
export interface Surroundings extends ProcessOptions {
  readonly around?: readonly Around[] | undefined;
  /** Holds an asynchronous request until the promise resolves. */
  readonly gate?: ((call: Call) => Promise<void>) | undefined;
  readonly name?: string | undefined;
}

/** Not the disk's: answered at once, no place in the record, never held or failed. */
const LOCAL: ReadonlySet<Op> = new Set(["now", "random", "traits"]);
/** A sync covers only what was complete when it was asked for (dm-log-writes), so it goes before what is asked for with it. */
const AT_ONCE: ReadonlySet<Op> = new Set(["syncData", "syncDir", "syncFile"]);
const INODES_PER_PROCESS = 1_000_000;
const USER_ID = 1000;

/** See above. Made by {@link SimDisk.process}. */
export class SimProcess implements Machine {
  readonly #kernel: Kernel;
  readonly #actor: Actor;
  // Made when first asked for: a sweep starts a process for each disk it looks at, and most of them ask for nothing.
  #requests: IoSync | undefined;
  #io: Io | undefined;
  #sync: IoSync | undefined;
  readonly #around: readonly Around[];
  readonly #gate: Surroundings["gate"];
  #dead = false;

  /** @internal */
  constructor(kernel: Kernel, options: Surroundings = {}) {
    const index = ++kernel.processCount;
    const random = seeded((kernel.options.seed ?? 0) * 1000 + index);
    let inode = index * INODES_PER_PROCESS;
    const userId = options.userId ?? USER_ID;
    this.#kernel = kernel;
    this.#actor = {
      kernel,
      name: options.name ?? `process ${index}`,
      userId,
      files: new Map(),
      nextInode: () => ++inode,
      random,
    };
    this.#around = [...(options.around ?? []), ...(options.faults ?? []).map(faulty)];
    this.#gate = options.gate;
  }

  get io(): Io {
    // The machine of Node shares its barriers too: what is simulated is what ships.
    this.#io ??= sharingBarriers(this.#machine((call) => this.#performLater(call)) as Io);
    return this.#io;
  }

  get sync(): IoSync {
    this.#sync ??= this.#machine((call) => this.#perform(call)) as IoSync;
    return this.#sync;
  }

  /** How many descriptors are open. */
  get openCount(): number {
    return this.#actor.files.size;
  }

  /** Calls `body`, and all that it starts, in this process: Holdfast then reads and writes on this disk and nowhere else. */
  run<T>(body: () => T): T {
    return withMachine(this, body);
  }

  /**
   * Ends the process as SIGKILL does: descriptors and locks are gone, what was written is still there, and what was not
   * synced is still pending. Asynchronous calls never return, synchronous ones throw.
   */
  kill(): void {
    this.#dead = true;
    for (const opened of this.#actor.files.values()) this.#kernel.close(opened);
    this.#actor.files.clear();
  }

  get #answers(): IoSync {
    this.#requests ??= requests(this.#actor);
    return this.#requests;
  }

  #machine(answer: (call: Call) => unknown): object {
    const ops = Object.keys(this.#answers) as Op[];
    return Object.fromEntries(ops.map((op) => [op, (...args: readonly unknown[]) => answer({ op, args } as unknown as Call)]));
  }

  async #performLater(call: Call): Promise<unknown> {
    const asked = this.#kernel.step;
    if (this.#gate && !LOCAL.has(call.op)) await this.#gate(call);
    else if (call.op === "sleep")
      await turn(); // lets the others do something meanwhile
    else if (!AT_ONCE.has(call.op)) await undefined;
    return this.#dead ? new Promise(() => {}) : this.#perform(call, asked);
  }

  #perform(call: Call, asked: number = this.#kernel.step): unknown {
    if (this.#dead) throw new HoldfastError("ASSERTION", { what: "a simulated process was used after its kill" });
    const { path, text } = printCall(call, (file) => this.#pathOf(file));
    const step = LOCAL.has(call.op) ? undefined : this.#kernel.begin(this.#actor.name, call.op, text, asked);
    const request = { path, step, pathOf: (file: File) => this.#pathOf(file), syncFailed: () => this.#syncFailed(call) };
    const answer = (current: Call, depth: number): unknown => {
      const around = this.#around[depth];
      return around ? around({ ...request, call: current }, (next) => answer(next, depth + 1)) : this.#answer(current);
    };
    try {
      const reply = answer(call, 0);
      if (step) step.result = printReply(call, reply);
      return reply;
    } catch (error) {
      if (step) step.result = `failed: ${(error as { code?: string }).code ?? String(error)}`;
      throw error;
    }
  }

  #answer({ op, args }: Call): unknown {
    return (this.#answers[op] as (...args: readonly unknown[]) => unknown)(...args);
  }

  #syncFailed({ op, args }: Call): void {
    const [what] = args;
    const inode =
      op === "syncDir" ? find(this.#actor, String(what), true, failing(op)).inode : this.#actor.files.get(what as File)?.inode;
    if (inode) this.#kernel.sync(inode, true);
  }

  #pathOf(file: File): string | undefined {
    return this.#actor.files.get(file)?.path;
  }
}

function requests(actor: Actor): IoSync {
  const { kernel, userId, random } = actor;
  const traits = kernel.platform.traits(userId, kernel.boot);
  return {
    ...fileRequests(actor),
    ...lockRequests(actor),
    ...nameRequests(actor),
    traits: () => traits,
    now: () => kernel.nowMs,
    random: (byteCount) => Uint8Array.from({ length: byteCount }, () => below(random, 256)),
    sleep(milliseconds) {
      kernel.nowMs += milliseconds;
    },
  };
}
