/** The words of `holdfast doctor`: a bar while it walks, a table of what it has found, a summary. */
import path from "node:path";
import { type Diagnosis, diagnose, type Finding } from "../doctor/index.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { bytesText, countText, tableLines } from "./table.ts";

/** A table is for people, who read no more of it; the rest is counted. `--json` has no end. */
const ROWS_MAX = 1000;

/** Looks into a directory, with repair if it is wanted, and tells. */
export async function examine(given: string, repair: boolean, output: Output, signal: AbortSignal): Promise<Diagnosis> {
  const progress = new Progress({ label: "looking", format: countText, afterMs: 1000, hidden: output.json });
  const shown: Finding[] = [];
  const found = await diagnose(given, {
    repair,
    signal,
    onFinding(finding) {
      output.result({ type: "finding", ...finding });
      if (!output.json && shown.length < ROWS_MAX) shown.push(finding);
    },
    onProgress: ({ directoryCount, findingCount, path: last }) =>
      progress.update({ done: directoryCount, text: `${countText(findingCount)} found, ${last}` }),
  }).finally(() => progress.end());
  for (const line of findingLines(shown, given)) output.line(line);
  if (found.findingCount > shown.length)
    output.line(`... and ${countText(found.findingCount - shown.length)} more: --json has all`);
  if (found.findingCount > 0) output.line();
  for (const line of summaryLines(found, given, repair)) output.line(line);
  output.result({ type: "diagnosis", path: path.resolve(given), ...found });
  return found;
}

/** A table, with the words about each row below it. */
function findingLines(findings: readonly Finding[], given: string): string[] {
  if (findings.length === 0) return [];
  const rows = findings.map(({ state, kind, sizeBytes, hasMore, owner, path: at }) => [
    state,
    kind.replaceAll("-", " "),
    sizeBytes === undefined ? undefined : `${hasMore ? "> " : ""}${bytesText(sizeBytes)}`,
    owner && `${owner.pid} on ${owner.host}`,
    path.join(given, path.relative(given, at)),
  ]);
  const [headings = "", rule = "", ...lines] = tableLines(["state", "what", "size", "owner", "path"], rows);
  return [headings, rule, ...lines.flatMap((line, index) => [line, `    ${wordsOf(findings[index] as Finding)}`])];
}

const ADVICE: Readonly<Record<Finding["repair"], string>> = {
  kept: "",
  quarantined: "; --repair moves it to quarantine",
  recovered: "; --repair finishes it",
  removed: "; --repair removes it",
};

function wordsOf({ text, repair, repaired, error }: Finding): string {
  if (error) return `${text}: ${error.message}`;
  return repaired ? text : `${text}${ADVICE[repair]}`;
}

function summaryLines({ directoryCount, findingCount, ...found }: Diagnosis, given: string, repair: boolean): string[] {
  const where = `${countText(directoryCount)} ${directoryCount === 1 ? "directory" : "directories"}`;
  if (findingCount === 0) return [`nothing of Holdfast in ${where} of ${given}`];
  const states = Object.entries(found.states).filter(([, count]) => count > 0);
  const summary = `${where}: ${states.map(([state, count]) => `${countText(count)} ${state}`).join(", ")}`;
  const { repairedCount, repairableCount, failedCount, damagedCount } = found;
  return [
    summary,
    ...(repairedCount > 0 ? [`${countText(repairedCount)} repaired`] : []),
    ...(failedCount > 0 ? [`${countText(failedCount)} could not be looked at, or not be repaired`] : []),
    ...(damagedCount > 0 ? [`${countText(damagedCount)} damaged, which no repair mends`] : []),
    ...(repairableCount > 0 && !repair
      ? [`holdfast doctor --repair ${given} repairs ${countText(repairableCount)} of them`]
      : []),
    ...(repairableCount + failedCount + repairedCount + damagedCount === 0 ? ["nothing to repair"] : []),
  ];
}
