/**
 * The grammar of every name Holdfast creates beside a user's files: `docs/format/names.md`. A name never contains the
 * target's name (a target of 255 bytes can be staged) nor a process id (two containers share them).
 */

import { createHash } from "node:crypto";

/** What every name of ours begins with, and nothing else. */
export const OURS = /^\.holdfast-/;

/** Random bytes in one name. */
export const TOKEN_BYTES = 16;

/** Crockford's base 32: no two letters differ only in case, as some file systems fold case. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
/** 16 bytes as 26 characters, the last of which carries 3 bits. */
function token(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

/**
 * What has a name of ours. `stage`: a staged file. Of a unit that is more than one file, all with the id of the unit: `life`,
 * the file whose lock shows that the unit's owner lives; `dir`, its staged directory, and after an exchange the old one;
 * `out`, the place where a command puts one output; `journal`, the record of its commit; `aside`, where the old directory is
 * for the time of a swap in two steps; `quarantine` and `quarantine-old`, what a commit found no place for; and
 * `quarantine-journal`, a record that nobody can carry out.
 */
export type Part =
  | "aside"
  | "dir"
  | "journal"
  | "life"
  | "out"
  | "quarantine"
  | "quarantine-journal"
  | "quarantine-old"
  | "stage";

/**
 * How the owner of a staged file or unit shows that it lives. `locked`: by a kernel lock, or an open that excludes all others.
 * `unlocked`: not at all, so that only age tells. It is in the name, as a process that has locks would else take the file of
 * one that has none for a dead writer's.
 */
export type StageKind = "locked" | "unlocked";

/** What a name of ours says. */
export interface OurName {
  readonly part: Part;
  /** The same in all names of one unit. */
  readonly id: string;
  readonly kind: StageKind;
}

/** A new id, from {@link TOKEN_BYTES} random bytes. */
export function newId(bytes: Uint8Array, kind: StageKind = "locked"): string {
  return (kind === "locked" ? "" : "unlocked-") + token(bytes);
}

/** The name that part `part` of the unit `id` has. */
export function ourName(part: Part, id: string): string {
  return part === "life" ? `.holdfast-dir-${id}.lock` : `.holdfast-${part}-${id}`;
}

const NAME =
  /^\.holdfast-(aside|dir|journal|out|quarantine-journal|quarantine-old|quarantine|stage)-((unlocked-)?[0-9a-hjkmnp-tv-z]{26})(\.lock)?$/;

/** What `name` says; undefined if {@link ourName} can't give it. */
export function parseOurName(name: string): OurName | undefined {
  const [, part, id, unlocked, lock] = NAME.exec(name) ?? [];
  if (part === undefined || id === undefined || (lock && part !== "dir")) return undefined;
  return { part: lock ? "life" : (part as Part), id, kind: unlocked ? "unlocked" : "locked" };
}

/** The name of the lock under which the journals of a directory are carried out and recovered. */
export const JOURNAL_LOCK_NAME = ".holdfast-journal.lock";

/** The directory in which the transactions of a directory say what they are about, and the lock under which they do. */
export const CLAIMS_NAME = ".holdfast-claims";
export const CLAIMS_LOCK_NAME = "claims.lock";

/** Hexadecimal digits of the hash in the name of a lock file that is not beside its file. */
const HASH_DIGITS = 32;
/** So many characters of the file's name are kept for people; 4 bytes each leave room for the rest of 255. */
const NAME_KEPT = 40;

/** The name of the lock file for the file at `path` in a directory for lock files of many. */
export function lockNameFor(path: string, name: string): string {
  const hash = createHash("sha256").update(path).digest("hex").slice(0, HASH_DIGITS);
  return `${[...name].slice(0, NAME_KEPT).join("")}-${hash}.lock`;
}
