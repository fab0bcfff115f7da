/** Judges what crashes have left, and counts what is found. */
import { CONTROLS, sabotageOf } from "./controls.ts";
import { outcomeKeys, type Prediction } from "./predict.ts";
import type { Protocol } from "./protocols.ts";
import type { Tree } from "./tree.ts";
import type { Trial, TrialResult } from "./trial.ts";

/** What is on a disk after a crash, or why nobody can tell. */
export type Found = Tree | string;

/** See above. */
export class Judge {
  readonly #trial: Trial;
  readonly #protocol: Protocol;
  readonly #predictions: readonly Prediction[];
  readonly #classes = new Map<string, number>();
  readonly #outside = new Set<string>();
  readonly #seen = new Set<string>();
  #images = 0;
  #checks = 0;
  #violations = 0;

  constructor(trial: Trial, protocol: Protocol, predictions: readonly Prediction[]) {
    this.#trial = trial;
    this.#protocol = protocol;
    this.#predictions = predictions;
  }

  /** Counts a disk. */
  image(): void {
    this.#images++;
  }

  /** Judges a disk by what had been acknowledged before the power went. */
  look(found: Found, acknowledged: readonly string[]): void {
    this.#checks++;
    const readable = typeof found !== "string";
    const unknown = readable ? this.#unknown(found, acknowledged) : [];
    const broken = readable ? this.#protocol.check(found, acknowledged) : found;
    const finding = this.#trial.control === "wrong-profile" ? unknown[0] : broken;
    if (finding !== undefined) this.#violations++;
    this.#classes.set(finding ?? "ok", (this.#classes.get(finding ?? "ok") ?? 0) + 1);
  }

  /** The outcomes that the simulator does not have. */
  #unknown(tree: Tree, acknowledged: readonly string[]): string[] {
    const keys = outcomeKeys(this.#protocol, tree, acknowledged);
    for (const key of keys) this.#seen.add(key);
    const unknown = keys.filter((key) => this.#predictions.some(({ outcomes }) => !outcomes.has(key)));
    if (this.#trial.control !== "wrong-profile") for (const key of unknown) this.#outside.add(key);
    return unknown;
  }

  /** What came of all. */
  verdict(): Omit<TrialResult, keyof Trial | "seconds"> {
    const { control, fileSystem } = this.#trial;
    const outside = [...this.#outside];
    const [own] = this.#predictions;
    const isNew = Object.keys(this.#protocol.before).length === 0;
    const hasToFail = control !== undefined && CONTROLS[control][isNew ? "newName" : "oldName"].includes(fileSystem);
    const violations = this.#violations;
    const asExpected = control === undefined ? violations === 0 : violations > 0 || !hasToFail;
    return {
      images: this.#images,
      checks: this.#checks,
      violations,
      outside,
      predicted: own?.outcomes.size ?? 0,
      seen: this.#seen.size,
      predictedViolations: own?.violations ?? 0,
      classes: Object.fromEntries(this.#classes),
      ok: asExpected && this.#isPredicted() && outside.length === 0 && this.#checks > 0,
    };
  }

  /** Whether the simulator finds a protocol broken exactly if it is. */
  #isPredicted(): boolean {
    const broken = sabotageOf(this.#trial.control) !== undefined;
    return this.#predictions.every(({ violations }) => violations > 0 === broken);
  }
}
