/** Several scenarios at once on one disk, one request at a time, in an order that is chosen from outside. */
import type { Call } from "../io/io.ts";
import { turn } from "../io/turns.ts";
import type { Around } from "./around.ts";
import { digestValue } from "./digest.ts";
import type { SimDisk } from "./disk.ts";
import { SimProcess } from "./process.ts";
import type { Marks } from "./scenario.ts";

/** How one of the programs ended: as a settled promise, killed, or not at all. */
export type Ending = PromiseSettledResult<unknown> | { readonly status: "killed" } | { readonly status: "running" };

/** A request that waits to be let through. */
interface Held {
  readonly actor: Player;
  readonly letGo: () => void;
}

/** One program on its way. */
class Player {
  readonly process: SimProcess;
  readonly acknowledged: unknown[] = [];
  ending: Ending = { status: "running" };
  /**
   * All that the program knows: what each of its requests replied, numbered as they were asked for. Not in which order
   * requests that were asked for at once replied: programs see the results of `all` together.
   */
  readonly history = new Map<number, string>();
  readonly #numbers = new WeakMap<Call, number>();
  #asked = 0;

  constructor(disk: SimDisk, name: string, hold: (actor: Player) => Promise<void>) {
    this.process = new SimProcess(disk.kernel, {
      name,
      around: [this.#listen()],
      gate: (call) => {
        this.#numbers.set(call, ++this.#asked);
        return hold(this);
      },
    });
  }

  async play(disk: SimDisk, program: (marks: Marks<unknown>) => unknown, name: string): Promise<void> {
    const acknowledge = (value: unknown): void => {
      this.acknowledged.push(value);
      disk.kernel.acknowledge(name, value, false);
    };
    const [ending] = await Promise.allSettled([this.process.run(async () => program({ acknowledge }))]);
    if (this.ending.status === "running") this.ending = ending;
  }

  #listen(): Around {
    const heard = (call: Call, reply: unknown): void => {
      const content = call.op === "read" ? call.args[1].subarray(0, Number(reply)) : undefined;
      // What is answered at once (now, random) has no number; it follows from what was asked before, and from the time.
      const number = this.#numbers.get(call) ?? ++this.#asked;
      this.history.set(number, digestValue([call.op, reply, content]));
    };
    return ({ call }, proceed) => {
      try {
        const reply = proceed(call);
        heard(call, reply);
        return reply;
      } catch (error) {
        heard(call, error);
        throw error;
      }
    };
  }
}

/** What can be done next. */
type Choice = { readonly release: Held } | { readonly kill: Player };

/** One run, steered choice by choice. The same choices lead to the same state. */
export class Replay {
  readonly disk: SimDisk;
  readonly #players: readonly Player[];
  readonly #mayKill: boolean;
  #held: Held[] = [];

  private constructor(disk: SimDisk, programs: readonly ((marks: Marks<unknown>) => unknown)[], mayKill: boolean) {
    this.disk = disk;
    this.#mayKill = mayKill;
    const names = programs.map((_, index) => `program ${index + 1}`);
    this.#players = names.map((name) => new Player(disk, name, (actor) => this.#hold(actor)));
    for (const [index, player] of this.#players.entries()) {
      void player.play(disk, programs[index] ?? (() => {}), names[index] ?? "");
    }
  }

  /** Starts all programs, up to the first request of each. */
  static async start(
    disk: SimDisk,
    programs: readonly ((marks: Marks<unknown>) => unknown)[],
    mayKill: boolean,
  ): Promise<Replay> {
    const replay = new Replay(disk, programs, mayKill);
    await turn();
    return replay;
  }

  get endings(): readonly Ending[] {
    return this.#players.map(({ ending }) => ending);
  }

  get acknowledged(): readonly (readonly unknown[])[] {
    return this.#players.map(({ acknowledged }) => acknowledged);
  }

  /** How many choices there are now. None: all has ended, or nothing ever will. */
  get choiceCount(): number {
    return this.#choices().length;
  }

  /** Makes one choice and waits until nothing more happens by itself. */
  async choose(index: number): Promise<void> {
    const choice = this.#choices()[index];
    if (!choice) throw new RangeError("the scenario does not do the same each time it is run");
    if ("release" in choice) {
      this.#held = this.#held.filter((held) => held !== choice.release);
      choice.release.letGo();
    } else {
      choice.kill.process.kill();
      choice.kill.ending = { status: "killed" };
      this.disk.kernel.begin("", "kill", `program ${this.#players.indexOf(choice.kill) + 1}`);
      this.#held = this.#held.filter(({ actor }) => actor !== choice.kill);
    }
    await turn();
  }

  /** Equal for two runs that can only go on in the same ways. */
  key(): string {
    const known = (history: ReadonlyMap<number, string>): unknown => [...history].sort(([a], [b]) => a - b);
    const players = this.#players.map(({ history, ending, acknowledged }) => [known(history), ending.status, acknowledged]);
    const waiting = this.#players.map((player) => this.#held.filter(({ actor }) => actor === player).length);
    return digestValue([this.disk.kernel.volume.fingerprint(), this.disk.kernel.nowMs, players, waiting]);
  }

  #hold(actor: Player): Promise<void> {
    return new Promise((letGo) => this.#held.push({ actor, letGo }));
  }

  /** In an order that does not depend on how the state was reached. */
  #choices(): Choice[] {
    const releases = this.#players.flatMap((player) =>
      this.#held.filter(({ actor }) => actor === player).map((release) => ({ release })),
    );
    const running = this.#players.filter(({ ending }) => ending.status === "running");
    const killed = this.#players.some(({ ending }) => ending.status === "killed");
    return [...releases, ...(this.#mayKill && !killed && releases.length > 0 ? running.map((kill) => ({ kill })) : [])];
  }
}
