/** Act: writers that save the real files over and over are killed at random moments, while readers look at every file. */
import * as fs from "node:fs";
import * as path from "node:path";
import { Progress } from "../progress.ts";
import { bytesText, type Cell } from "../table.ts";
import type { Act, Finding, Stage } from "./act.ts";
import { isInstalled } from "./contenders.ts";
import { stamp } from "./stamp.ts";
import { Storm, type StormResult } from "./storm.ts";

/** See above. */
export const killStorm: Act = {
  id: "killStorm",
  title: "Kill storm: writers are killed at random moments, readers check every file.",
  weight: 20,
  perform,
};

async function perform(stage: Stage): Promise<Finding> {
  const { contenders, output, seconds } = stage;
  const names = stage.material.files.map(({ name }) => name);
  const from = path.join(stage.dir, "material");
  fs.mkdirSync(from);
  for (const [index, name] of names.entries())
    fs.copyFileSync(path.join(stage.material.root, name), path.join(from, String(index)));
  const namesFile = path.join(stage.dir, "names.json");
  fs.writeFileSync(namesFile, JSON.stringify(names));

  const present = contenders.filter(isInstalled);
  const progress = new Progress({ label: "storm", format: (count) => `${count} kills`, hidden: output.json });
  const results = new Map<string, StormResult>();
  let kills = 0;
  for (const [turn, contender] of present.entries()) {
    const to = path.join(stage.dir, contender.name);
    prepare(names, from, to);
    const storm = new Storm({ contender: contender.name, names, namesFile, from, to, seed: stage.seed, signal: stage.signal });
    const result = await storm.run(seconds / present.length, (share, killed) => {
      progress.update({ done: kills + killed, share: (turn + share) / present.length, text: contender.name });
    });
    kills += result.kills;
    results.set(contender.name, result);
    fs.rmSync(to, { recursive: true });
  }
  progress.end();
  for (const [name, { error }] of results) if (error !== undefined) output.line(`  a writer with ${name} failed: ${error}`);
  if (!stage.sweepsAtOnce) output.line("  no kernel lock here: Holdfast removes leftovers of killed writers by age, later");
  return toFinding(stage, results);
}

/** Version 0 of every file, written while nobody kills. */
function prepare(names: readonly string[], from: string, to: string): void {
  for (const dir of new Set(names.map((name) => path.dirname(path.join(to, name))))) fs.mkdirSync(dir, { recursive: true });
  for (const [index, name] of names.entries()) {
    fs.writeFileSync(path.join(to, name), stamp(0, fs.readFileSync(path.join(from, String(index)))));
  }
}

function toFinding({ contenders, sweepsAtOnce }: Stage, results: ReadonlyMap<string, StormResult>): Finding {
  const headings = ["files", "saved", "kills", "torn", "lost", "temps", "sec"];
  const cells = new Map<string, readonly Cell[]>();
  for (const { name } of contenders) {
    const result = results.get(name);
    if (!result) continue;
    const { files, bytes, kills, torn, lost, temps, seconds } = result;
    cells.set(name, [files, bytesText(bytes), kills, torn, lost, temps, seconds.toFixed(1)]);
  }
  const own = results.get("holdfast");
  const leftovers = sweepsAtOnce ? (own?.temps ?? 0) : 0;
  const holds = own !== undefined && own.torn + own.lost + leftovers === 0 && own.error === undefined;
  const facts = Object.fromEntries(contenders.map(({ name }) => [name, results.get(name) ?? "not installed"]));
  return { holds, facts, headings, cells };
}
