/** What every run has to leave, whatever happened to it: the invariants of the tier. */
import fs from "node:fs";
import path from "node:path";
import { writeFile } from "holdfast";
import { CLAIMS_LOCK_NAME, CLAIMS_NAME, JOURNAL_LOCK_NAME } from "../../../dist/format/names.js";
import { freshMachine, withMachine } from "../../support/machines.ts";
import type { Fate, Scenario } from "./scenario.ts";
import type { Run } from "./session.ts";

/** How a run was disturbed. */
export interface Disturbance {
  /** For people, e.g. `killed at fsync(...)`. */
  readonly text: string;
  /** The call that was met. */
  readonly call: string;
  /** What the call was made to fail with; undefined for a kill. */
  readonly fault: Fault | undefined;
}

/** Nothing happens, and nothing may fail. */
export const UNDISTURBED: Disturbance = { text: "undisturbed", call: "", fault: "short" };

/** Ways in which a call fails: `short` has written less than asked, `empty` nothing, and both say so without an error. */
export type Fault = keyof typeof CODES;

/** The codes that are documented for what the system says: docs/ERRORS.md and the functions. */
export const CODES = {
  EIO: ["IO", "SYNC_FAILED"],
  ENOSPC: ["NO_SPACE"],
  EDQUOT: ["NO_SPACE"],
  EMFILE: ["TOO_MANY_FILES"],
  EXDEV: ["IO", "SYNC_FAILED", "UNSUPPORTED"], // a transaction refuses what is on another mount
  EINTR: ["IO", "SYNC_FAILED", "LOCKED"], // a close that was not made keeps its lock; a real one is made (close(2), on Linux)
  short: [],
  empty: ["NO_SPACE"],
} as const;

/** Lock files, and the directory of one: made once, and never removed (docs/format/names.md). */
const STAYS: ReadonlySet<string> = new Set([JOURNAL_LOCK_NAME, CLAIMS_NAME, CLAIMS_LOCK_NAME]);

/** The name of the file that the next process writes in each directory. */
const BESIDE = "other";

/** What is untrue of a run; looks, recovers as another process would, and looks again. */
export async function violationsOf(
  scenario: Scenario,
  { dir, fate, open }: Run,
  how: Disturbance,
  expected: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = [...wrongEnd(fate, how)];
  const allowed = allowedStates(scenario, fate);
  const look = (when: string): void => {
    const state = scenario.observe(dir);
    if (!allowed.includes(state)) found.push(`${claim(fate)}, but a reader sees ${short(state)}${when}`);
  };
  const left = (): string[] => listing(dir).filter((name) => !expected.has(name) && !scenario.makes?.test(name));
  // A close that is made to fail is not made at all, unlike one that fails by itself.
  if (how.call !== "close") found.push(...open.map((name) => `it stays open: ${name || "the directory"}`));
  if (!scenario.needsRecovery) look("");
  // A unit of which nobody knows whether it is committed is the next process's to settle; so is what could not be removed, if
  // that was told.
  const settles = fate.end !== "killed" && fate.error?.outcome !== "unknown" && how.call !== "unlink" && !fate.told;
  if (settles) found.push(...left().map((name) => `left behind: ${name}`));
  try {
    await withMachine(freshMachine(), async () => (scenario.recover ?? writeBeside)(dir, fate));
  } catch (error) {
    found.push(`the next process fails: ${error instanceof Error ? error.message : String(error)}`);
  }
  look(" after recovery");
  // What a failed sync leaves uncertain is kept for people.
  const kept = how.call === "fsync" ? /^\.holdfast-quarantine-/ : /^$/;
  found.push(
    ...left()
      .filter((name) => !kept.test(name))
      .map((name) => `left behind after recovery: ${name}`),
  );
  return found.map((reason) => `${how.text}: ${reason}`);
}

function wrongEnd({ end, error, death }: Fate, { fault, text }: Disturbance): string[] {
  if (end === "stuck") return ["it does not end"];
  if ((end === "killed") !== (fault === undefined))
    return [end === "killed" ? `the process died: ${death}` : `it was not ${text}`];
  if (!error || !fault) return [];
  const { name, code = "", outcome, message } = error;
  if (outcome === undefined) return [`it fails with something else than a HoldfastError: ${name} ${message}`];
  const codes: readonly string[] = CODES[fault];
  return codes.includes(code) ? [] : [`it fails with the code ${code}, and not ${codes.join(" or ") || "at all"}: ${message}`];
}

/** What may be seen: the state that was acknowledged last, or the next one. */
function allowedStates({ states }: Scenario, { acknowledged, end, error }: Fate): readonly string[] {
  if (end === "done") return states.slice(-1);
  const [now = "", next = now] = states.slice(acknowledged);
  if (error?.outcome === "unchanged") return [now];
  if (error?.outcome === "committed") return [next];
  return [now, next];
}

function claim({ acknowledged, end, error }: Fate): string {
  if (end === "done") return "it succeeds";
  return error ? `the error says "${error.outcome}"` : `${acknowledged} acknowledged`;
}

/** What is another in each run: the id of a directory that stays. */
const ID = /-[0-9a-hjkmnp-tv-z]{26}(?=\/)/g;

/** The paths of all files below `dir`, and of directories of ours; but for what stays. */
export function listing(dir: string): string[] {
  const entries = fs.readdirSync(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter(({ name }) => name !== BESIDE && !STAYS.has(name))
    .filter((entry) => !entry.isDirectory() || entry.name.startsWith(".holdfast-"))
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)).replace(ID, "-ID"));
}

/** The next write in each directory removes what the dead left there. */
async function writeBeside(dir: string): Promise<void> {
  await writeFile(path.join(dir, BESIDE), "");
  for (const entry of fs.readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) await writeBeside(path.join(dir, entry.name));
}

function short(state: string): string {
  return JSON.stringify(state.length > 60 ? `${state.slice(0, 60)}... (${state.length} letters)` : state);
}
