/** Judges what crashes have left, and counts what is found. */
import { CONTROLS, sabotageOf } from "./controls.ts";
import { outcomeKeys, type Prediction } from "./predict.ts";
import type { Protocol } from "./protocols.ts";
import type { Tree } from "./tree.ts";
import type { Trial, TrialResult } from "./trial.ts";

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
  look(tree: Tree | undefined, acknowledged: readonly string[]): void {
    this.#checks++;
    const unknown = tree ? this.#unknown(tree, acknowledged) : [];
    const broken = tree ? this.#protocol.check(tree, acknowledged) : "the file system can't be mounted";
    const found = this.#trial.control === "wrong-profile" ? unknown[0] : broken;
    if (found !== undefined) this.#violations++;
    this.#classes.set(found ?? "ok", (this.#classes.get(found ?? "ok") ?? 0) + 1);
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
