/** One generation, read and checked. */
import { createHash } from "node:crypto";
import { readWhole } from "../core/read.ts";
import { HoldfastError, isHoldfastError, toHoldfastError } from "../errors.ts";
import { validate } from "../file/index.ts";
import {
  checkpointName,
  decodeGeneration,
  type Flaw,
  type Header,
  type Member,
  type Progress,
  parseHead,
} from "../format/checkpoint.ts";
import { lstat, type Program } from "../io/program.ts";
import { HELD_BUDGET_ASYNC_MS } from "../util/limits.ts";
import { pathIn } from "../util/path.ts";
import { readHead } from "./files.ts";
import type { Place } from "./place.ts";

/**
 * Why a generation can't be used. `truncated`: it is shorter than it was, or zeros. `digest`: its content has changed. `header`,
 * `foreign`: it is not what its name says. `member`: a file that belongs to it is damaged or gone. `unreadable`: the disk gives an
 * error. `codec`: its codec can't decode it, or is not the one that was given. `version`: it is of an older version, and there is
 * no `migrate`. `migration`: that failed. `schema`: the state does not match. `aside`: it was moved aside as damaged.
 */
export type DamageCause = Flaw["cause"] | "aside" | "codec" | "member" | "migration" | "schema" | "unreadable" | "version";

/** A generation that can't be used. */
export interface DamagedGeneration {
  /** 0: the file that was given as `legacy`. */
  readonly generation: number;
  /** Where it is, to be looked at. */
  readonly path: string;
  readonly cause: DamageCause;
  readonly message: string;
  /** What its first line says, if that can be read; not to be trusted. */
  readonly savedAt?: string | undefined;
  readonly progress?: Progress | undefined;
  readonly error?: Error | undefined;
}

/** The files of a generation, whole and as they were written. */
export interface Whole {
  readonly header: Header;
  readonly state: Uint8Array;
  /** The content of {@link Header.members}, in their order. */
  readonly members: readonly Uint8Array[];
}

/** Reads the files of a generation, and checks each by its digest; undefined if it is gone. */
export function* readGeneration(dir: string, generation: number): Program<DamagedGeneration | Whole | undefined> {
  const path = pathIn(dir, checkpointName("generation", generation));
  const bytes = yield* contentOf(path);
  if (bytes === undefined) return undefined;
  if (!(bytes instanceof Uint8Array)) return { generation, path, cause: "unreadable", message: "it can't be read", error: bytes };
  const decoded = decodeGeneration(bytes, generation);
  if ("tooNew" in decoded) throw tooNew(`it has format ${decoded.tooNew}`, path, { format: decoded.tooNew });
  if ("flaw" in decoded) return { generation, path, cause: decoded.flaw.cause, message: decoded.flaw.what, ...saysOf(bytes) };
  const { header, state } = decoded;
  const members: Uint8Array[] = [];
  for (const member of header.members ?? []) {
    const content = yield* contentOf(pathIn(dir, member.name));
    // Both are removed together: if its generation is gone too, it was only removed.
    if (content === undefined && !(yield* lstat(path))) return undefined;
    if (!(content instanceof Uint8Array) || !isWhole(content, member)) {
      const { savedAt, progress } = header;
      const error = content instanceof Uint8Array ? undefined : content;
      const what = error ? "can't be read" : content ? "is damaged" : "is gone";
      const cause = error ? "unreadable" : "member";
      return { generation, path, cause, message: `its part ${member.name} ${what}`, savedAt, progress, error };
    }
    members.push(content);
  }
  return { header, state, members };
}

function isWhole(content: Uint8Array, { sizeBytes, sha256 }: Member): boolean {
  return content.length === sizeBytes && sha256Of(content) === sha256;
}

/** A digest as it is in files. */
export const sha256Of = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** Undefined: it is gone. An error: the disk can't give it. */
function* contentOf(path: string): Program<HoldfastError | Uint8Array | undefined> {
  try {
    return yield* readWhole(path, HELD_BUDGET_ASYNC_MS);
  } catch (error) {
    if (isHoldfastError(error, "NOT_FOUND")) return undefined;
    const failed = toHoldfastError(error, "unchanged");
    if (isHoldfastError(failed) && (failed.kind === "io" || failed.code === "NOT_A_FILE")) return failed;
    throw error;
  }
}

function saysOf(bytes: Uint8Array): Pick<DamagedGeneration, "progress" | "savedAt"> {
  const parsed = parseHead(bytes);
  if (parsed === undefined || "tooNew" in parsed) return {};
  const { savedAt, progress } = parsed.header;
  return { savedAt, progress };
}

/** The error for what a newer version has written. */
function tooNew(what: string, path: string, details: Readonly<Record<string, unknown>>): HoldfastError {
  return new HoldfastError("FORMAT_TOO_NEW", { what: `the checkpoint was written by a newer version: ${what}`, path, details });
}

/** The state of a whole generation; what can't be made of it is damage too. */
export async function interpret<State>(
  place: Place<State>,
  { header, state }: Pick<Whole, "header" | "state">,
): Promise<DamagedGeneration | { readonly state: State; readonly migratedFrom: number | undefined }> {
  const { generation, savedAt, progress, version } = header;
  const path = pathIn(place.dir, checkpointName("generation", generation));
  if (version > place.version) throw tooNew(`its state has version ${version}`, path, { version, supported: place.version });
  const damaged = (cause: DamageCause, message: string, error?: Error): DamagedGeneration => ({
    generation,
    path,
    cause,
    message,
    savedAt,
    progress,
    error,
  });
  if (header.codec !== place.codec.name)
    return damaged("codec", `its codec is ${header.codec}, and the one that was given ${place.codec.name}`);
  let decoded: unknown;
  try {
    decoded = await place.codec.decode(state);
  } catch (error) {
    return damaged("codec", `the codec ${header.codec} can't decode it: ${messageOf(error)}`, error as Error);
  }
  if (version < place.version && !place.options.migrate)
    return damaged("version", `its state has version ${version}, and there is no option migrate`);
  const made = await fit(place, decoded, version < place.version ? { from: version } : undefined, path);
  if ("cause" in made) return damaged(made.cause, made.message, made.error);
  return { state: made.state, migratedFrom: version < place.version ? version : undefined };
}

type Fit<State> =
  | { readonly state: State }
  | { readonly cause: "migration" | "schema"; readonly message: string; readonly error: Error };

/** Makes a value one of this version, and checks it. */
export async function fit<State>(
  { options: { migrate, schema } }: Place<State>,
  value: unknown,
  old: { readonly from: number | undefined } | undefined,
  path: string,
): Promise<Fit<State>> {
  let state = value as State;
  try {
    if (old && migrate) state = await migrate(value, old.from);
  } catch (error) {
    return { cause: "migration", message: `it can't be migrated: ${messageOf(error)}`, error: error as Error };
  }
  try {
    return { state: schema ? await validate(schema, state, path) : state };
  } catch (error) {
    if (!isHoldfastError(error, "SCHEMA_MISMATCH")) throw error;
    const [first] = error.details["issues"] as { readonly path: string; readonly message: string }[];
    return { cause: "schema", message: `the state does not match its schema: ${first?.path} ${first?.message}`, error };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What the first line of a generation says, of what is not checked; undefined if it is gone. */
export function* describeGeneration(
  dir: string,
  generation: number,
  part: "damaged" | "generation",
): Program<{ readonly path: string; readonly sizeBytes: number; readonly header: Header | undefined } | undefined> {
  const path = pathIn(dir, checkpointName(part, generation));
  const head = yield* readHead(path);
  if (!head) return undefined;
  const parsed = parseHead(head.bytes);
  return { path, sizeBytes: head.sizeBytes, header: parsed && "header" in parsed ? parsed.header : undefined };
}
