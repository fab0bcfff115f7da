/** The demo from its first line to its table. */
import * as fs from "node:fs";
import * as path from "node:path";
import { performance } from "node:perf_hooks";
import type { Output } from "../output.ts";
import { bytesText, countText, tableLines } from "../table.ts";
import type { Act, Finding } from "./act.ts";
import { CONTENDERS, isInstalled } from "./contenders.ts";
import { fullDisk } from "./full-disk.ts";
import { killStorm } from "./kill-storm.ts";
import { longJob } from "./long-job.ts";
import { findMaterial, type Material } from "./material.ts";
import { powerCut } from "./power-cut.ts";
import { type WorkDir, withWorkDir } from "./work-dir.ts";

const ACTS: readonly Act[] = [fullDisk, powerCut, killStorm, longJob];

/** What the user asked for. */
export interface DemoOptions {
  readonly directory: string | undefined;
  readonly seconds: number;
  readonly seed: number;
  readonly version: string;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Performs all acts; true if Holdfast kept its promises in each. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { output, signal } = options;
  const startMs = performance.now();
  output.line(`holdfast ${options.version}: saves real files while things go wrong, about ${options.seconds} s`);
  const material = await findMaterial(options.directory, signal);
  return await withWorkDir(async (work) => {
    announce(material, work, options);
    const findings = new Map<string, Finding>();
    for (const [index, act] of ACTS.entries()) {
      const { id, title, perform } = act;
      output.line();
      output.line(`${index + 1}. ${title}`);
      const dir = path.join(work.path, id);
      fs.mkdirSync(dir);
      const left = options.seconds - (performance.now() - startMs) / 1000;
      const weights = ACTS.slice(index).reduce((sum, { weight }) => sum + weight, 0);
      const seconds = Math.max(1, (left * act.weight) / weights);
      findings.set(
        id,
        await perform({ ...options, material, sweepsAtOnce: work.sweepsAtOnce, contenders: CONTENDERS, dir, seconds }),
      );
      signal.throwIfAborted();
    }
    return conclude(findings, material, work, options);
  });
}

const FROM: Readonly<Record<Material["from"], string>> = {
  git: "all files that git tracks in",
  directory: "the files in",
  package: "the files of this package, in",
};

function announce({ from, root, files, sizeBytes, leftOutCount }: Material, work: WorkDir, { output, seed }: DemoOptions): void {
  output.line(`${countText(files.length)} files, ${bytesText(sizeBytes)}: ${FROM[from]} ${root}`);
  if (leftOutCount > 0) output.line(`${countText(leftOutCount)} more are left out: the demo takes 2,000 files and 64 MB at most`);
  output.line(`Saved to a temporary directory on ${work.fileSystem}; seed ${seed}.`);
}

const NAME_CELLS = Math.max(...CONTENDERS.map(({ name }) => name.length));

const COPY = `Three lines to copy:

  import * as holdfast from "holdfast";
  await holdfast.writeFile("settings.json", JSON.stringify(settings));
  const text = await holdfast.readFile("settings.json", "utf8");`;

function conclude(
  findings: ReadonlyMap<string, Finding>,
  material: Material,
  work: WorkDir,
  { output, seed }: DemoOptions,
): boolean {
  const holds = [...findings.values()].every((finding) => finding.holds);
  // The last act has the widest columns and stands first.
  const columns = [...findings.values()].reverse();
  const headings = ["writer", ...columns.flatMap((finding) => finding.headings)];
  const rows = CONTENDERS.filter(isInstalled).map(({ name }) => [
    name.padEnd(NAME_CELLS),
    ...columns.flatMap((finding) => finding.cells.get(name) ?? finding.headings.map(() => undefined)),
  ]);
  output.line();
  for (const line of tableLines(headings, rows)) output.line(line);
  for (const contender of CONTENDERS) {
    if (!isInstalled(contender)) output.line(`${contender.name.padEnd(NAME_CELLS)}  not installed`);
  }
  output.line();
  output.line(LEGEND);
  output.line();
  output.line(holds ? COPY : "Holdfast did NOT keep its promises here. Please report this output as a bug.");
  const { root, from, files, sizeBytes, leftOutCount } = material;
  output.result({
    type: "demo",
    holds,
    seed,
    fileSystem: work.fileSystem,
    input: { root, from, files: files.length, sizeBytes, leftOutCount },
    acts: Object.fromEntries([...findings].map(([id, finding]) => [id, { holds: finding.holds, ...finding.facts }])),
  });
  return holds;
}

const LEGEND = `saved: what was acknowledged; only Holdfast waits until it survives a power cut.
torn: cut short or empty when read.  lost: older than what was acknowledged.
temps: leftovers, after a last save in every directory.`;
