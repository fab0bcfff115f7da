/** One trial: a protocol on one file system, crashed, mounted again and judged. */
import * as fs from "node:fs";
import * as path from "node:path";
import { command } from "./command.ts";
import { type ControlName, sabotageOf, WRONG_PROFILE } from "./controls.ts";
import { applyKept, applyWrites, crashImages } from "./crash-images.ts";
import type { FileSystemName } from "./file-systems.ts";
import { findProtocol } from "./find-protocol.ts";
import { type Found, Judge } from "./judge.ts";
import { ifMounted, withMounted } from "./mounts.ts";
import { type Prediction, predict } from "./predict.ts";
import type { Protocol } from "./protocols.ts";
import { record } from "./record.ts";
import type { SparseDisk } from "./sparse-disk.ts";
import { treeOnDisk } from "./tree.ts";
import { runWorker, type WorkerJob } from "./worker-job.ts";

/** What to try. */
export interface Trial {
  readonly fileSystem: FileSystemName;
  readonly protocol: string;
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
  const protocol = findProtocol(trial.protocol);
  const dir = fs.mkdtempSync(path.join(work, "trial-"));
  const judge = new Judge(trial, protocol, await predictions(trial, protocol));
  const judged = trial.method === "images" ? lookAtImages : cutPower;
  await judged(trial, protocol, blank, dir, judge);
  fs.rmSync(dir, { recursive: true });
  return { ...trial, ...judge.verdict(), seconds: (performance.now() - started) / 1000 };
}

/** The profile of the file system, and `strict`. A disk that lies is no file system's fault, and in no profile. */
async function predictions(trial: Trial, protocol: Protocol): Promise<readonly Prediction[]> {
  if (trial.control === "lying-disk") return [];
  const profile = (trial.control === "wrong-profile" && WRONG_PROFILE[trial.fileSystem]) || trial.fileSystem;
  const sabotage = sabotageOf(trial.control);
  return [await predictOnce(protocol, profile, sabotage), await predictOnce(protocol, "strict", sabotage)];
}

const known = new Map<string, Promise<Prediction>>();

/** Trials of one protocol on several file systems, and by both methods, ask for the same, which can take a minute. */
function predictOnce(...asked: Parameters<typeof predict>): Promise<Prediction> {
  const [{ name }, profile, sabotage] = asked;
  const key = `${name} ${profile} ${sabotage}`;
  const prediction = known.get(key) ?? predict(...asked);
  known.set(key, prediction);
  return prediction;
}

/** Puts there what the protocol finds. */
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
  protocol: trial.protocol,
  part: "run",
  dir: path.join(root, DIR),
  sabotage: sabotageOf(trial.control),
});

async function lookAtImages(trial: Trial, protocol: Protocol, blank: SparseDisk, dir: string, judge: Judge): Promise<void> {
  const { fileSystem, control, seed, imagesMax } = trial;
  const { entries, start } = await record(fileSystem, blank, dir, {
    before: (root) => prepare(protocol, root),
    run: (root, mark) => {
      const bystander = { file: path.join(root, OTHER), always: control === undefined };
      return runWorker({ ...jobOf(trial, root), bystander, mark });
    },
  });
  const file = path.join(dir, "crashed");
  const durable = blank.clone();
  let upTo = 0;
  const options = { from: start, lying: control === "lying-disk", flushesFirst: control !== undefined, seed, imagesMax };
  for (const image of crashImages(entries, options)) {
    applyWrites(durable, entries.slice(upTo, image.durableUpTo));
    upTo = image.durableUpTo;
    const disk = durable.clone();
    applyKept(disk, entries, image);
    disk.save(file);
    const found = await mountAndLook(trial, protocol, file, path.join(dir, "root"));
    judge.image();
    for (const acknowledged of image.acknowledged.values()) judge.look(found, acknowledged);
  }
}

/** Cuts the power right after each acknowledgement, once each, as long as there are any. */
async function cutPower(trial: Trial, protocol: Protocol, blank: SparseDisk, dir: string, judge: Judge): Promise<void> {
  const { fileSystem } = trial;
  const [image, root] = [path.join(dir, "image"), path.join(dir, "root")];
  for (let cutAfter = 1; cutAfter <= trial.imagesMax; cutAfter++) {
    blank.save(image);
    const acknowledged = await withMounted(fileSystem, image, root, async () => {
      prepare(protocol, root);
      await command("sync", ["-f", root]);
      return await runWorker({ ...jobOf(trial, root), cutAfter });
    });
    if (acknowledged.length < cutAfter) return;
    const found = await mountAndLook(trial, protocol, image, root);
    judge.image();
    judge.look(found, acknowledged);
  }
}

/** What is on a disk once it is mounted, and recovered. That it can't be is a finding, too. */
async function mountAndLook({ fileSystem }: Trial, protocol: Protocol, image: string, root: string): Promise<Found> {
  const found = await ifMounted(fileSystem, image, root, async () => {
    const dir = path.join(root, DIR);
    try {
      if (protocol.recover) await runWorker({ protocol: protocol.name, part: "recover", dir });
      return treeOnDisk(dir);
    } catch (error) {
      return `it can't be recovered or read: ${error instanceof Error ? error.message : error}`;
    }
  });
  return found ?? "the file system can't be mounted";
}
