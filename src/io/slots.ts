/** How many programs run at once, so that thousands of calls need no more than a few dozen descriptors. */
import { PROGRAMS_AT_ONCE, SOURCES_AT_ONCE } from "../util/limits.ts";
import { orAbort } from "./abort.ts";
import { perMachine } from "./per-machine.ts";

/** A number of places, given out in the order they were asked for. */
class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Calls `body` once a place is free, and gives it back when `body` has settled. */
  async use<T>(signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await body();
    } finally {
      this.#pass();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    let go!: () => void;
    let given = false;
    const turn = new Promise<void>((resolve) => {
      go = () => {
        given = true;
        resolve();
      };
    });
    this.#waiting.add(go);
    try {
      await orAbort(turn, signal);
    } catch (error) {
      if (given) this.#pass();
      else this.#waiting.delete(go);
      throw error;
    }
  }

  #pass(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#free++;
  }
}

/** The places of one machine. Programs that wait for a caller's source have their own, as such a wait may be long. */
export interface MachineSlots {
  readonly programs: Slots;
  readonly sources: Slots;
}

/** The places of a machine. */
export const slotsOf = perMachine(
  (): MachineSlots => ({ programs: new Slots(PROGRAMS_AT_ONCE), sources: new Slots(SOURCES_AT_ONCE) }),
);
