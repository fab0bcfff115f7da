/**
 * The grammar of every name Holdfast creates beside a user's files: `docs/format/names.md`. A name never contains the
 * target's name (a target of 255 bytes can be staged) nor a process id (two containers share them).
 */

import { createHash } from "node:crypto";

/** What every name of ours begins with. */
const OUR_PREFIX = ".holdfast-";

/**
 * Staged files: `.holdfast-stage-` and 26 letters and digits of lower-case base 32, which hold 128 random bits; before
 * these `unlocked-` if the writer has no lock to hold.
 */
export const STAGE_PREFIX = `${OUR_PREFIX}stage-`;

/** Random bytes in one name. */
export const TOKEN_BYTES = 16;

/** Crockford's base 32: no two letters differ only in case, as some file systems fold case. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TOKEN = /^[0-9a-hjkmnp-tv-z]{26}$/;

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
 * How the writer of a staged file shows that it lives. `locked`: by a kernel lock, or an open that excludes all others.
 * `unlocked`: not at all, so that only age tells. It is in the name, as a process that has locks would else take the file of
 * one that has none for a dead writer's.
 */
export type StageKind = "locked" | "unlocked";

const UNLOCKED_PREFIX = `${STAGE_PREFIX}unlocked-`;

/** The name of a staged file, from {@link TOKEN_BYTES} random bytes. */
export function stageName(bytes: Uint8Array, kind: StageKind = "locked"): string {
  return (kind === "locked" ? STAGE_PREFIX : UNLOCKED_PREFIX) + token(bytes);
}

/** The kind of the staged file that has this name; undefined if {@link stageName} can't give it. */
export function stageKind(name: string): StageKind | undefined {
  if (name.startsWith(UNLOCKED_PREFIX)) return TOKEN.test(name.slice(UNLOCKED_PREFIX.length)) ? "unlocked" : undefined;
  return name.startsWith(STAGE_PREFIX) && TOKEN.test(name.slice(STAGE_PREFIX.length)) ? "locked" : undefined;
}

/** Whether `name` is one that {@link stageName} can give. */
export function isStageName(name: string): boolean {
  return stageKind(name) !== undefined;
}

/** Hexadecimal digits of the hash in the name of a lock file that is not beside its file. */
const HASH_DIGITS = 32;
/** So many characters of the file's name are kept for people; 4 bytes each leave room for the rest of 255. */
const NAME_KEPT = 40;

/** The name of the lock file for the file at `path` in a directory for lock files of many. */
export function lockNameFor(path: string, name: string): string {
  const hash = createHash("sha256").update(path).digest("hex").slice(0, HASH_DIGITS);
  return `${[...name].slice(0, NAME_KEPT).join("")}-${hash}.lock`;
}
