/**
 * The crash sweep: runs a scenario once, and then looks at every disk that a crash could have left.
 */
import { killMoments, PowerCut, powerSteps } from "./crash-states.ts";
import { digestValue } from "./digest.ts";
import { SimDisk } from "./disk.ts";
import type { Kernel } from "./kernel.ts";
import { prepared, SEED_DEFAULT } from "./prepared.ts";
import { SimProcess } from "./process.ts";
import { PROFILES, type Profile } from "./profiles.ts";
import { record } from "./recording.ts";
import { crashReport, type SweepReport } from "./report.ts";
import type { SweepOptions } from "./scenario.ts";
import { subsets } from "./subsets.ts";
import { closed, type Unit } from "./units.ts";
import type { Crash, Evidence } from "./violation.ts";
import type { Volume } from "./volume.ts";

/** What happened before a disk was last mounted: what was acknowledged, whether the scenario had ended, and the crashes. */
interface Before {
  readonly earlier: readonly unknown[];
  readonly finished: boolean;
  readonly crashes: readonly Crash[];
}

/** A disk after some crashes, not looked at yet. */
interface Candidate extends Before {
  readonly kernel: Kernel;
  /** For a power loss: the moment, and what was kept. */
  readonly cut?: Cut | undefined;
}

interface Cut {
  readonly at: PowerCut;
  readonly kept: ReadonlySet<Unit>;
  readonly from: Kernel;
}

/**
 * Runs `run` once on a simulated disk; then, for each distinct disk that a crash at any moment could leave, `recover` and
 * `check`. With `recover`, crashes it too, from each of these disks: a kill leaves what was not synced pending, and a power
 * loss during or after the recovery may still take it.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @returns How much was looked at, and what failed, also as a text. Violations do not throw.
 * @throws What `run` throws: it has to succeed when nothing goes wrong.
 */
export async function sweep<Ack = unknown>(options: SweepOptions<Ack>): Promise<SweepReport> {
  const { seed = SEED_DEFAULT } = options;
  const { kernel } = await prepared(options);
  const explorer = new Explorer(options as SweepOptions<unknown>, seed);
  await record(kernel, options.run, { name: "run", sabotage: options.sabotage, marksEnd: true });
  await explorer.explore({ earlier: [], finished: false, crashes: [] }, kernel);
  return explorer.report();
}

class Explorer {
  readonly #options: SweepOptions<unknown>;
  readonly #seed: number;
  readonly #profile: Profile;
  readonly #depth: number;
  readonly #seen = new Set<string>();
  readonly #untried: Generator<Candidate>[] = [];
  #crashPoints = 0;
  #violations = 0;
  #smallest: { readonly evidence: Evidence; readonly candidate: Candidate } | undefined;

  constructor(options: SweepOptions<unknown>, seed: number) {
    this.#options = options;
    this.#seed = seed;
    this.#profile = PROFILES[options.profile ?? "strict"];
    this.#depth = options.depth ?? (options.recover ? 2 : 1);
  }

  /** Finds the disks, not met before, that crashes of what `kernel` has recorded since step `from` could leave. */
  *#crashed(before: Before, kernel: Kernel, from: number): Generator<Candidate> {
    for (const moment of killMoments(kernel.log, from)) {
      this.#crashPoints++;
      const { step, cutAfter } = moment;
      const also = kernel.log.steps.find(({ number }) => number === moment.also);
      const killed = kernel.asOf(step, moment.ops);
      if (!this.#isNew(killed.volume, toldBy(before, killed, step), killed)) continue;
      const crash: Crash = { kind: "kill", step, cutAfter, also, lost: [], kept: [], log: killed.log, base: kernel.base };
      yield { ...before, kernel: killed, crashes: [...before.crashes, crash] };
    }
    if (!this.#profile.powerLoss) return;
    for (const step of powerSteps(kernel.log, from, this.#options.everyStep)) {
      this.#crashPoints++;
      const at = new PowerCut(kernel, this.#profile, step);
      const told = toldBy(before, kernel, step);
      const then = { earlier: told.acknowledged, finished: told.finished, crashes: before.crashes };
      for (const kept of subsets(at.units, this.#seed)) {
        const volume = at.volume(kept);
        if (this.#isNew(volume, told)) yield powerLost(then, { at, kept, from: kernel }, volume);
      }
    }
  }

  /** Looks at every disk that a crash of what `kernel` has recorded could leave, and at what follows from it. */
  async explore(before: Before, kernel: Kernel): Promise<void> {
    this.#untried.push(this.#crashed(before, kernel, 0));
    for (let next = this.#untried.shift(); next && !this.#hasEnough; next = this.#untried.shift()) {
      for (const candidate of next) {
        await this.#look(candidate);
        if (this.#hasEnough) break;
      }
    }
    if (this.#smallest) this.#smallest = await shrunk(this.#smallest, this.#options);
  }

  get #hasEnough(): boolean {
    return this.#violations > 0 && this.#options.untilFirst === true;
  }

  async #look(candidate: Candidate): Promise<void> {
    const { kernel, crashes } = candidate;
    const from = kernel.step;
    const evidence = await examine(candidate, this.#options);
    if (evidence) {
      this.#violations++;
      if (!this.#smallest || lostBy(candidate) < lostBy(this.#smallest.candidate)) this.#smallest = { evidence, candidate };
    } else if (this.#options.recover && crashes.length < this.#depth) {
      this.#untried.push(this.#crashed(candidate, kernel, from));
    }
  }

  report(): SweepReport {
    const { profile = "strict" } = this.#options;
    const { size: states } = this.#seen;
    const found = { profile, seed: this.#seed, crashPoints: this.#crashPoints, states, violations: this.#violations };
    return crashReport(found, this.#smallest?.evidence);
  }

  /** Whether no disk like this was met before; `pending`: the system in which some of it is not durable yet. */
  #isNew(volume: Volume, { acknowledged, finished }: Told, pending?: Kernel): boolean {
    // Only a recovery can tell two disks apart on which the same is visible but not the same is durable.
    const cut =
      this.#options.recover && pending && pending.log.ops.length > 0
        ? new PowerCut(pending, this.#profile, pending.step + 1)
        : undefined;
    const durable = cut ? `${cut.units.length} ${cut.volume(new Set()).fingerprint()}` : "";
    const key = `${volume.fingerprint()} ${durable} ${finished} ${digestValue(acknowledged)}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

/** More crashes and more losses are harder to understand. */
function lostBy({ crashes }: Before): number {
  return crashes.reduce((sum, { lost }) => sum + lost.length, crashes.length * 1000);
}

/** What users know. */
interface Told {
  readonly acknowledged: readonly unknown[];
  readonly finished: boolean;
}

function toldBy({ earlier, finished }: Before, { log }: Kernel, step: number): Told {
  const told = log.acknowledgements.filter((one) => one.step <= step);
  return {
    acknowledged: [...earlier, ...told.filter(({ end }) => !end).map(({ value }) => value)],
    finished: finished || told.some(({ end }) => end),
  };
}

function powerLost(before: Before, cut: Cut, volume = cut.at.volume(cut.kept)): Candidate {
  const { at, kept, from } = cut;
  const opsOf = (units: readonly Unit[]): Crash["lost"] => units.flatMap(({ ops }) => ops);
  const crash: Crash = {
    kind: "power loss",
    step: at.step,
    cutAfter: undefined,
    also: undefined,
    lost: opsOf(at.units.filter((unit) => !kept.has(unit))),
    kept: opsOf(at.units.filter((unit) => kept.has(unit))),
    log: from.log,
    base: from.base,
  };
  return { ...before, kernel: from.restarted(volume), crashes: [...before.crashes, crash], cut };
}

async function examine(candidate: Candidate, options: SweepOptions<unknown>): Promise<Evidence | undefined> {
  const { kernel, crashes } = candidate;
  const found = kernel.volume.clone();
  const before = kernel.step;
  try {
    if (options.recover) await record(kernel, options.recover, { name: "recovery", sabotage: options.sabotage, marksEnd: false });
    // The check works on a copy of its own: what it does is no part of the scenario.
    const disk = new SimDisk(kernel.options, kernel.restarted(kernel.volume.clone()));
    const told = toldBy(candidate, kernel, kernel.step);
    await new SimProcess(disk.kernel, { name: "check" }).run(async () => options.check({ ...told, disk }));
    return undefined;
  } catch (error) {
    const told = toldBy(candidate, kernel, kernel.step);
    const message = error instanceof Error ? error.message : String(error);
    const recovered = options.recover ? kernel.volume.clone() : undefined;
    return {
      message,
      error,
      ...told,
      crashes,
      found,
      recovered,
      recovery: kernel.log.steps.filter(({ number }) => number > before),
    };
  }
}

/** The same failure with as little lost at the last crash as it needs: that is its explanation. */
async function shrunk(
  failing: { readonly evidence: Evidence; readonly candidate: Candidate },
  options: SweepOptions<unknown>,
): Promise<{ readonly evidence: Evidence; readonly candidate: Candidate }> {
  let smallest = failing;
  const { cut } = failing.candidate;
  for (const unit of cut?.at.units ?? []) {
    const { candidate } = smallest;
    if (!candidate.cut || candidate.cut.kept.has(unit)) continue;
    const kept = closed(new Set([...candidate.cut.kept, unit]), candidate.cut.at.units);
    if (!kept.has(unit)) continue;
    const more = powerLost({ ...candidate, crashes: candidate.crashes.slice(0, -1) }, { ...candidate.cut, kept });
    const evidence = await examine(more, options);
    if (evidence) smallest = { evidence, candidate: more };
  }
  return smallest;
}
