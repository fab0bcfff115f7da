/** What `holdfast checkpoint` does and says. */
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Checkpoint, type HistoryEntry, type Loaded } from "../checkpoint/index.ts";
import { HoldfastError, isHoldfastError } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { bytesText, countText, tableLines } from "./table.ts";

const WATCH_EVERY_MS = 250;
/** A state is shown to people up to this length; `--json` has all of it. */
const STATE_LETTERS_MAX = 2000;

/** A reader that takes a state of any version as it is. */
function reader(given: string): Promise<Checkpoint> {
  return Checkpoint.open(given, { readOnly: true, version: Number.MAX_SAFE_INTEGER, migrate: (value) => value });
}

/** The newest state. */
export async function show(
  given: string,
  { watch = false }: { readonly watch?: boolean },
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const checkpoint = await reader(given);
  if (watch) await follow(checkpoint, output, signal);
  const [newest] = (await checkpoint.history({ verify: true })).filter(({ state }) => state === "good");
  const found = newest?.kind === "state" && newest.codec !== "json" ? undefined : await checkpoint.load();
  const owner = await checkpoint.owner();
  if (found?.status === "absent") {
    output.note(
      `holdfast: there is no saved state in ${given}${found.clearedAt ? `: it was cleared at ${found.clearedAt}` : ""}`,
    );
    output.result({ type: "checkpoint", path: path.resolve(given), ...found, owner });
    return EXIT.failed;
  }
  const rows = [
    ["generation", newest && String(newest.generation)],
    ["saved", newest?.savedAt],
    ["job began", newest?.startedAt],
    ["progress", progressText(newest)],
    ["fingerprint", newest?.fingerprint === undefined ? undefined : JSON.stringify(newest.fingerprint)],
    ["size", newest && bytesText(newest.sizeBytes)],
    ["running", owner ? `process ${owner.pid} on ${owner.host} since ${owner.since}` : "no"],
  ] as const;
  for (const [name, text] of rows) if (text !== undefined) output.line(`${name.padEnd(12)} ${text}`);
  if (found) output.line(`state        ${shortened(JSON.stringify(found.state))}`);
  else output.line(`state        of codec ${newest?.codec}, which is not shown`);
  const { generation, savedAt, startedAt, progress, fingerprint, codec } = newest ?? ({} as Partial<HistoryEntry>);
  const facts = found ?? { status: "ok", generation, savedAt, startedAt, progress };
  output.result({ type: "checkpoint", path: path.resolve(given), ...facts, fingerprint, codec, owner });
  return sayDamage(found, output);
}

function sayDamage(found: Loaded<unknown> | undefined, output: Output): number {
  if (found?.status !== "degraded") return EXIT.ok;
  const { generations, milliseconds, items } = found.setBack;
  const lost = [
    `${countText(generations)} newer ${generations === 1 ? "generation is" : "generations are"} damaged`,
    ...(milliseconds === undefined ? [] : [`${(milliseconds / 1000).toFixed(1)} s older`]),
    ...(items === undefined ? [] : [`${countText(items)} items less`]),
  ];
  output.note(`holdfast: DEGRADED: ${lost.join(", ")}`);
  for (const { generation, message, path: at } of found.damaged) output.note(`  generation ${generation}: ${message} (${at})`);
  return EXIT.damage;
}

const shortened = (text: string): string =>
  text.length > STATE_LETTERS_MAX ? `${text.slice(0, STATE_LETTERS_MAX)}... (${countText(text.length)} letters)` : text;

function progressText(entry: HistoryEntry | undefined): string | undefined {
  if (!entry?.progress) return undefined;
  const { done, total } = entry.progress;
  return `${countText(done)}${total === undefined ? "" : ` of ${countText(total)}`}`;
}

/** A bar for as long as somebody runs the job. Reads first lines only. */
async function follow(checkpoint: Checkpoint, output: Output, signal: AbortSignal): Promise<void> {
  const progress = new Progress({ label: path.basename(checkpoint.path), format: countText, hidden: output.json });
  try {
    while (!signal.aborted && (await checkpoint.owner())) {
      const [newest] = (await checkpoint.history()).filter(({ state }) => state === "unverified");
      const { done = 0, total } = newest?.progress ?? {};
      progress.update({ done, total, text: newest ? `generation ${newest.generation}` : "nothing saved yet" });
      await delay(WATCH_EVERY_MS, undefined, { signal });
    }
    signal.throwIfAborted();
  } finally {
    progress.end();
  }
}

/** Every generation, read whole. */
export async function verify(given: string, _options: object, output: Output): Promise<number> {
  const entries = await (await reader(given)).history({ verify: true });
  tell(given, entries, "verified", output);
  const whole = entries.find(({ state }) => state === "good");
  const isDamage = ({ state, generation }: HistoryEntry): boolean =>
    state === "damaged" || (state === "aside" && generation > (whole?.generation ?? 0));
  if (entries.length === 0) return EXIT.failed;
  return entries.some(isDamage) ? EXIT.damage : EXIT.ok;
}

/** Every generation, as it says of itself. */
export async function history(given: string, _options: object, output: Output): Promise<number> {
  const entries = await (await reader(given)).history();
  tell(given, entries, "history", output);
  return entries.length === 0 ? EXIT.failed : EXIT.ok;
}

function tell(given: string, entries: readonly HistoryEntry[], type: string, output: Output): void {
  output.result({ type, path: path.resolve(given), generations: entries });
  if (entries.length === 0) output.note(`holdfast: there is no saved state in ${given}`);
  if (entries.length === 0) return;
  const rows = entries.map((entry) => [
    entry.generation,
    entry.damage?.message ?? entry.state,
    entry.kind === "cleared" ? "cleared" : entry.copyOf === undefined ? undefined : `copy of ${entry.copyOf}`,
    entry.savedAt,
    progressText(entry),
    bytesText(entry.sizeBytes),
  ]);
  for (const line of tableLines(["generation", "is", "what", "saved", "progress", "size"], rows)) output.line(line);
}

/** An older state becomes the newest. */
export async function rollback(given: string, { to }: { readonly to?: number }, output: Output): Promise<number> {
  return await changing(given, async (checkpoint) => {
    const { generation } = await checkpoint.rollback(to);
    const [newest] = await checkpoint.history();
    output.line(`generation ${generation} is a copy of generation ${newest?.copyOf}, saved at ${newest?.savedAt}`);
    output.result({ type: "rolled-back", path: path.resolve(given), generation, copyOf: newest?.copyOf });
    return EXIT.ok;
  });
}

/** The state is forgotten. */
export async function clear(given: string, _options: object, output: Output): Promise<number> {
  return await changing(given, async (checkpoint) => {
    try {
      await checkpoint.load(); // what is damaged is then known, and kept aside
    } catch (error) {
      if (!isHoldfastError(error, "CORRUPT_CHECKPOINT")) throw error;
    }
    const { generation } = await checkpoint.clear();
    output.line(`cleared: generation ${generation} says that there is no state`);
    output.result({ type: "cleared", path: path.resolve(given), generation });
    return EXIT.ok;
  });
}

/** Only where there is a checkpoint: a path that is wrong by one letter is not made one. */
async function changing(given: string, body: (checkpoint: Checkpoint) => Promise<number>): Promise<number> {
  const entries = await (await reader(given)).history();
  if (entries.length === 0) {
    throw new HoldfastError("NOT_FOUND", { what: "there is no checkpoint", path: path.resolve(given) });
  }
  const options = { version: Number.MAX_SAFE_INTEGER, migrate: (value: unknown) => value };
  const checkpoint = await Checkpoint.open(given, options);
  try {
    return await body(checkpoint);
  } finally {
    await checkpoint.close();
  }
}
