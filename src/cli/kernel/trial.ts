/** One trial: a program on one file system, crashed, mounted again and judged. */
import * as fs from "node:fs";
import * as path from "node:path";
import { command } from "./command.ts";
import { CONTROLS, type ControlName, type Sabotage, WRONG_PROFILE } from "./controls.ts";
import { applyKept, applyWrites, crashImages } from "./crash-images.ts";
import type { FileSystemName } from "./file-systems.ts";
import { ifMounted, withMounted } from "./mounts.ts";
import { outcomeKeys, type Prediction, predict } from "./predict.ts";
import { findProgram } from "./programs.ts";
import type { Protocol } from "./protocols.ts";
import { record } from "./record.ts";
import type { SparseDisk } from "./sparse-disk.ts";
import { type Tree, treeOnDisk } from "./tree.ts";
import { runWorker, type WorkerJob } from "./worker-job.ts";

/** What to try. */
export interface Trial {
  readonly fileSystem: FileSystemName;
  readonly program: string;
  /** What is broken on purpose: the trial has to fail. */
  readonly control?: ControlName | undefined;
  /** `images`: disks made from the record of all writes. `power-cut`: the call that takes the power of a file system. */
  readonly method: "images" | "power-cut";
  readonly seed: number;
  readonly imagesMax: number;
}

/** What came of it. */
export interface TrialResult extends Trial {
  /** Disks that were mounted. */
  readonly images: number;
  /** How often one was judged: one disk can be what is left of several moments. */
  readonly checks: number;
  /** Checks that found a promise broken. */
  readonly violations: number;
  /** Outcomes that the simulator does not know, neither in the profile of the file system nor in `strict`. */
  readonly outside: readonly string[];
  /** How many outcomes the simulator knows, and how many of these were seen. */
  readonly predicted: number;
  readonly seen: number;
  /** Whether the simulator finds the broken protocol, too. */
  readonly predictedViolations: number;
  /** How often each kind of finding came: `ok`, or what is broken. */
  readonly classes: Readonly<Record<string, number>>;
  readonly ok: boolean;
  readonly seconds: number;
}

const DIR = "r";
const OTHER = "other";

/** Runs one trial below `work`, on copies of the empty file system `blank`. */
export async function runTrial(trial: Trial, blank: SparseDisk, work: string): Promise<TrialResult> {
  const started = performance.now();
  const program = findProgram(trial.program);
  const dir = fs.mkdtempSync(path.join(work, "trial-"));
  const judge = new Judge(trial, program, await predictions(trial, program));
  const judged = trial.method === "images" ? lookAtImages : cutPower;
  await judged(trial, program, blank, dir, judge);
  fs.rmSync(dir, { recursive: true });
  return { ...trial, ...judge.verdict(), seconds: (performance.now() - started) / 1000 };
}

const sabotageOf = ({ control }: Trial): Sabotage | undefined =>
  control === "lying-disk" || control === "wrong-profile" ? undefined : control;

/** The profile of the file system, and `strict`. A disk that lies is no file system's fault, and in no profile. */
async function predictions(trial: Trial, program: Protocol): Promise<readonly Prediction[]> {
  if (trial.control === "lying-disk") return [];
  const profile = (trial.control === "wrong-profile" && WRONG_PROFILE[trial.fileSystem]) || trial.fileSystem;
  const own = await predict(program, profile, sabotageOf(trial));
  return [own, await predict(program, "strict", sabotageOf(trial))];
}

/** Puts there what the program finds. */
function prepare({ before }: Protocol, root: string): void {
  fs.mkdirSync(path.join(root, DIR));
  fs.writeFileSync(path.join(root, OTHER), "");
  for (const [name, text] of Object.entries(before)) {
    const file = path.join(root, DIR, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
}

const jobOf = (trial: Trial, root: string): WorkerJob => ({
  program: trial.program,
  part: "run",
  dir: path.join(root, DIR),
  sabotage: sabotageOf(trial),
});

async function lookAtImages(trial: Trial, program: Protocol, blank: SparseDisk, dir: string, judge: Judge): Promise<void> {
  const { fileSystem, control, seed, imagesMax } = trial;
  const { entries, start } = await record(fileSystem, blank, dir, {
    before: (root) => prepare(program, root),
    run: (root, mark) => {
      const bystander = { file: path.join(root, OTHER), always: control === undefined };
      return runWorker({ ...jobOf(trial, root), bystander, mark });
    },
  });
  const durable = blank.clone();
  let upTo = 0;
  for (const image of crashImages(entries, { from: start, lying: control === "lying-disk", seed, imagesMax })) {
    applyWrites(durable, entries.slice(upTo, image.durableUpTo));
    upTo = image.durableUpTo;
    const disk = durable.clone();
    applyKept(disk, entries, image);
    const tree = await mountAndLook(trial, program, disk, dir);
    judge.image();
    for (const acknowledged of image.acknowledged.values()) judge.look(tree, acknowledged);
  }
}

/** Cuts the power right after each acknowledgement, once each. */
async function cutPower(trial: Trial, program: Protocol, blank: SparseDisk, dir: string, judge: Judge): Promise<void> {
  const { fileSystem } = trial;
  const [image, root] = [path.join(dir, "image"), path.join(dir, "root")];
  for (let cutAfter = 1; ; cutAfter++) {
    blank.save(image);
    const acknowledged = await withMounted(fileSystem, image, root, async () => {
      prepare(program, root);
      await command("sync", ["-f", root]);
      return await runWorker({ ...jobOf(trial, root), cutAfter });
    });
    if (acknowledged.length < cutAfter) return;
    const tree = await ifMounted(fileSystem, image, root, (mounted) => look(program, mounted));
    judge.image();
    judge.look(tree, acknowledged);
  }
}

/** What is on a disk after it was mounted, and recovered; undefined if it can't be mounted. */
async function mountAndLook({ fileSystem }: Trial, program: Protocol, disk: SparseDisk, dir: string): Promise<Tree | undefined> {
  const image = path.join(dir, "crashed");
  disk.save(image);
  return await ifMounted(fileSystem, image, path.join(dir, "root"), (root) => look(program, root));
}

async function look(program: Protocol, root: string): Promise<Tree> {
  const dir = path.join(root, DIR);
  if (program.recover) await runWorker({ program: program.name, part: "recover", dir });
  return treeOnDisk(dir);
}

/** Counts what is found. */
class Judge {
  readonly #trial: Trial;
  readonly #program: Protocol;
  readonly #predictions: readonly Prediction[];
  readonly #classes = new Map<string, number>();
  readonly #outside = new Set<string>();
  readonly #seen = new Set<string>();
  #images = 0;
  #checks = 0;
  #violations = 0;

  constructor(trial: Trial, program: Protocol, predictions: readonly Prediction[]) {
    this.#trial = trial;
    this.#program = program;
    this.#predictions = predictions;
  }

  image(): void {
    this.#images++;
  }

  /** Judges a disk by what had been acknowledged before the power went. */
  look(tree: Tree | undefined, acknowledged: readonly string[]): void {
    this.#checks++;
    const unknown = tree ? this.#unknown(tree, acknowledged) : [];
    const broken = tree ? this.#program.check(tree, acknowledged) : "the file system can't be mounted";
    const found = this.#trial.control === "wrong-profile" ? unknown[0] : broken;
    if (found !== undefined) this.#violations++;
    this.#classes.set(found ?? "ok", (this.#classes.get(found ?? "ok") ?? 0) + 1);
  }

  /** The outcomes that the simulator does not have. */
  #unknown(tree: Tree, acknowledged: readonly string[]): string[] {
    const keys = outcomeKeys(this.#program, tree, acknowledged);
    for (const key of keys) this.#seen.add(key);
    const unknown = keys.filter((key) => this.#predictions.some(({ outcomes }) => !outcomes.has(key)));
    if (this.#trial.control !== "wrong-profile") for (const key of unknown) this.#outside.add(key);
    return unknown;
  }

  verdict(): Omit<TrialResult, keyof Trial | "seconds"> {
    const { control, fileSystem } = this.#trial;
    const outside = [...this.#outside];
    const [own] = this.#predictions;
    const isNew = Object.keys(this.#program.before).length === 0;
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
      ok: asExpected && outside.length === 0 && this.#checks > 0,
    };
  }
}
