/** What waits in quarantine, as the doctor sees it. Nothing but a person removes it. */
import { ourName, type Part, parseOurName } from "../format/names.ts";
import { lstat, type Program } from "../io/program.ts";
import { pathIn } from "../util/path.ts";
import type { Finding, Kind, Thing } from "./finding.ts";
import { measure } from "./measure.ts";

const ADVICE: Partial<Record<Part, string>> = {
  quarantine: "new content that a commit found no place for: take from it what you need, and remove it",
  "quarantine-old": "old content that a commit had moved aside: put it where it belongs, or remove it",
  "quarantine-journal": "the damaged record of a commit: look at it if you need to know what was to be done, and remove it",
};

/** Each quarantined file or directory is one thing. */
export const quarantineKind: Kind = {
  names: /^\.holdfast-quarantine(-old|-journal)?-/,
  keyOf: (name) => {
    const { part, id } = parseOurName(name) ?? {};
    return part !== undefined && part in ADVICE ? `${part} ${id}` : undefined;
  },
  examine,
};

function* examine({ dir, names: [name = ""] }: Thing): Program<Finding | undefined> {
  const { part, id } = parseOurName(name) ?? {};
  if (part === undefined || id === undefined) return undefined;
  const path = pathIn(dir, ourName(part, id));
  if (!(yield* lstat(path))) return undefined;
  const text = ADVICE[part] ?? "";
  return { path, kind: "quarantined", state: "quarantined", ...(yield* measure(path)), repair: "kept", text };
}
