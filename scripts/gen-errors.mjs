/** Renders docs/ERRORS.md from the table of error codes in src/errors.ts, so that the two can't differ. */

/** What a caller does about each kind. */
const KINDS = {
  aborted: "The caller, or the caller's data, stopped it. Nothing is wrong with the disk.",
  closed: "The object was used after its end. Fix the calling code.",
  conflict: "Something else is in the place. Decide which one is right.",
  corrupt: "What is stored is damaged or not what was expected. Restore it from a good copy; never write over it blindly.",
  internal: "A bug in Holdfast. Please report it.",
  io: "The machine failed. Check disk and system log before going on.",
  missing: "It is not there, and that is certain.",
  unavailable: "It can work later, without a change to the program: wait, free something, or ask whoever holds it.",
  unsupported: "It can't work here. Ask for something else, or somewhere else.",
};

const OUTCOMES = {
  unchanged: "The old state is on disk, as if the call had not been made.",
  committed: "The new state is on disk, and shows to every reader. What failed came after: the cleanup, or a barrier.",
  unknown: "The old or the new state is on disk, one of the two and whole. Read it again before you go on.",
};

const EXITS = [
  [0, "it worked"],
  [1, "it failed; the message, or with `--json` the object on stderr, has the code"],
  [2, "wrong usage: nothing was tried"],
  [3, "damage was found"],
  [4, "damage was found and repaired"],
  [11, "another process holds the lock"],
  [130, "cancelled (Ctrl-C)"],
];

/** Markdown for `codes`, an object of `{ kind, what, advice }` by code. */
export function renderErrors(codes) {
  const entries = Object.entries(codes).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [code, { kind }] of entries)
    if (!(kind in KINDS)) throw new Error(`${code}: describe its kind ${kind} in scripts/gen-errors.mjs`);
  return `# Errors

<!-- Made by scripts/gen-errors.mjs from src/errors.ts: run "npm run docs" after a change. -->

Every failure is a \`HoldfastError\` with a \`code\` (what happened), a \`kind\` (what to do about it) and an \`outcome\` (what is
on disk now). Further facts are in \`path\`, \`op\`, \`cause\` and \`details\`. Wrong arguments are a \`TypeError\` or \`RangeError\`
that names the argument. Codes, kinds and outcomes are stable; messages are for people and may change.

\`\`\`ts
import { isHoldfastError, writeFile } from "holdfast";

try {
  await writeFile("config.json", text);
} catch (error) {
  if (!isHoldfastError(error, "NO_SPACE")) throw error;
  console.error(error.message); // error.outcome is "unchanged": the old file is still there
}
\`\`\`

Use \`isHoldfastError\` rather than \`instanceof\`, which fails when two copies of the package are loaded.

## Codes

${table(
  ["code", "kind", "what happened", "what to do"],
  entries.map(([code, { kind, what, advice }]) => [`\`${code}\``, kind, what, advice]),
)}

## Kinds

${table(["kind", "what it means for the caller"], Object.entries(KINDS))}

## Outcomes

${table(
  ["outcome", "what is on disk"],
  Object.entries(OUTCOMES).map(([outcome, meaning]) => [`\`${outcome}\``, meaning]),
)}

## Exit codes of the command line

${table(["exit code", "meaning"], EXITS)}
`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
