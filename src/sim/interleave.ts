/**
 * The interleaving sweep: several programs at once on one disk, in every order of their requests.
 */
import { digestValue } from "./digest.ts";
import type { SimDisk } from "./disk.ts";
import { stepLine, volumeLines, withShortNames } from "./lines.ts";
import type { SimDiskOptions } from "./platform.ts";
import { prepared } from "./prepared.ts";
import { SimProcess } from "./process.ts";
import { type Ending, Replay } from "./replay.ts";
import type { Marks } from "./scenario.ts";

/** The disk when all programs have ended, or in the middle, after a power loss. */
export interface InterleavedState {
  readonly disk: SimDisk;
  /** How each program ended; `running` only after a power loss. */
  readonly endings: readonly Ending[];
  /** What each had acknowledged. */
  readonly acknowledged: readonly (readonly unknown[])[];
}

/** Scenarios for {@link interleave}. Each is a process of its own. */
export interface InterleaveOptions {
  readonly setup?: ((disk: SimDisk) => unknown) | undefined;
  /** What happens at once; each must do the same again when its requests get the same replies. */
  readonly programs: readonly ((marks: Marks<unknown>) => unknown)[];
  /** Throws where a promise is broken. */
  readonly check: (state: InterleavedState) => unknown;
  /** Also kills one of the programs, at every place in every order. */
  readonly kills?: boolean | undefined;
  /** Also looks at every disk that a power loss could leave, at every place in every order. */
  readonly powerLoss?: boolean | undefined;
  /** Gives up after so many states, and says so in the report. Default 50,000. */
  readonly statesMax?: number | undefined;
  readonly disk?: Omit<SimDiskOptions, "seed"> | undefined;
  readonly seed?: number | undefined;
}

/** The result of an interleaving sweep. */
export interface InterleaveReport {
  /** Distinct ends that were checked. Orders that lead to the same state are followed once. */
  readonly ends: number;
  /** Distinct states on the way. */
  readonly states: number;
  /** False: `statesMax` was reached, so some orders were not looked at. */
  readonly complete: boolean;
  readonly violations: number;
  /** All this for people, with the shortest failing order. */
  readonly text: string;
}

const STATES_MAX = 50_000;

/**
 * Runs `programs` at once in every order of their requests, also of requests that one program makes at once, and checks
 * each distinct end.
 *
 * Experimental: it may change in any release before 1.0.
 */
export async function interleave(options: InterleaveOptions): Promise<InterleaveReport> {
  return await new Interleaver(options).explore();
}

class Interleaver {
  readonly #options: InterleaveOptions;
  readonly #seen = new Set<string>();
  readonly #lossesSeen = new Set<string>();
  #ends = 0;
  #violations = 0;
  #shortest: { readonly steps: number; readonly text: string } | undefined;

  constructor(options: InterleaveOptions) {
    this.#options = options;
  }

  async explore(): Promise<InterleaveReport> {
    const { statesMax = STATES_MAX } = this.#options;
    const untried: number[][] = [[]];
    for (let path = untried.pop(); path && this.#seen.size < statesMax; path = untried.pop()) {
      const replay = await this.#start();
      for (const choice of path) await replay.choose(choice);
      while (await this.#isNew(replay)) {
        const { choiceCount } = replay;
        if (choiceCount === 0) {
          this.#ends++;
          await this.#check(replay.disk, replay);
          break;
        }
        for (let choice = choiceCount - 1; choice > 0; choice--) untried.push([...path, choice]);
        path = [...path, 0];
        await replay.choose(0);
      }
    }
    return this.#report(untried.length === 0);
  }

  async #start(): Promise<Replay> {
    const { programs, kills = false } = this.#options;
    return await Replay.start(await prepared(this.#options), programs, kills);
  }

  /** Whether this state was not met before; what power loss can make of it is looked at on the way. */
  async #isNew(replay: Replay): Promise<boolean> {
    const { powerLoss = false } = this.#options;
    const durable = powerLoss ? replay.disk.afterPowerLoss().kernel.volume.fingerprint() : "";
    const key = `${replay.key()} ${durable}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    for (const state of powerLoss ? replay.disk.powerLossStates() : []) {
      const stateKey = `${state.kernel.volume.fingerprint()} ${digestValue([replay.acknowledged, replay.endings])}`;
      if (this.#lossesSeen.has(stateKey)) continue;
      this.#lossesSeen.add(stateKey);
      await this.#check(state, replay);
    }
    return true;
  }

  async #check(disk: SimDisk, { endings, acknowledged, disk: played }: Replay): Promise<void> {
    const before = disk.kernel.volume.clone();
    const { steps } = played.kernel.log;
    const shown = steps.map(stepLine);
    try {
      if (disk === played && endings.some(({ status }) => status === "running"))
        throw new RangeError("nothing more happens, but not all programs have ended");
      await new SimProcess(disk.kernel, { name: "check" }).run(async () => this.#options.check({ disk, endings, acknowledged }));
    } catch (error) {
      this.#violations++;
      if (this.#shortest && this.#shortest.steps <= shown.length) return;
      const lines = [
        `  ${error instanceof Error ? error.message : String(error)}`,
        "",
        ...shown,
        ...endings.map((ending, index) => `  program ${index + 1}: ${told(ending)}`),
        ...(disk === played ? [] : ["", "The disk then:", ...volumeLines(played.kernel.volume), "", "  ------ power loss"]),
        "",
        disk === played ? "The disk then:" : "What was left after it:",
        ...volumeLines(before),
      ];
      this.#shortest = { steps: shown.length, text: withShortNames(lines.join("\n")) };
    }
  }

  #report(complete: boolean): InterleaveReport {
    const { size: states } = this.#seen;
    const counts = `${this.#ends} ends, ${states} states${complete ? "" : ", NOT COMPLETE"}`;
    const violations = this.#violations;
    const text = this.#shortest
      ? `${violations} orders break a promise: ${counts}. The shortest:\n\n${this.#shortest.text}`
      : `No promise was broken: ${counts}.`;
    return { ends: this.#ends, states, complete, violations, text };
  }
}

function told(ending: Ending): string {
  if (ending.status === "rejected")
    return `failed: ${ending.reason instanceof Error ? ending.reason.message : String(ending.reason)}`;
  return ending.status === "fulfilled" ? "succeeded" : ending.status;
}
