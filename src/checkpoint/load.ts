/** The newest state that can be used, and what is wrong with those that are newer. */
import { HoldfastError, isHoldfastError } from "../errors.ts";
import { readFile } from "../file/index.ts";
import { checkpointName, type Header, type Progress } from "../format/checkpoint.ts";
import { withMachine } from "../io/current.ts";
import { CHECKPOINT_LOOKS_MAX } from "../util/limits.ts";
import { notify } from "../util/notices.ts";
import { pathIn } from "../util/path.ts";
import { differences } from "./differences.ts";
import { type Listing, listCheckpoint } from "./files.ts";
import { type Place, perform } from "./place.ts";
import { type DamagedGeneration, fit, interpret, readGeneration } from "./read.ts";

/** A state that was loaded. */
export interface LoadedState<State> {
  readonly state: State;
  /** The number of its generation; 0: it is from the file `legacy`. */
  readonly generation: number;
  /** When it was saved, and when the first state of its job was: ISO 8601. Of a `legacy` file undefined. */
  readonly savedAt: string | undefined;
  readonly startedAt: string | undefined;
  readonly progress: Progress | undefined;
  /** The version that it was migrated from, `"legacy"` if it was in that file. */
  readonly migratedFrom: number | "legacy" | undefined;
}

/** How much a job is set back by damage, as far as that is known. */
export interface SetBack {
  /** So many newer generations can't be used. */
  readonly generations: number;
  /** So much older the state is than the newest one that was damaged. */
  readonly milliseconds: number | undefined;
  /** So many items more were done. */
  readonly items: number | undefined;
}

/**
 * What {@link Checkpoint.load} found. `degraded`: the newest generation can't be used, and this is an older one: say so to
 * somebody. `absent`: there never was a state, or it was cleared.
 */
export type Loaded<State> =
  | ({ readonly status: "ok" } & LoadedState<State>)
  | ({
      readonly status: "degraded";
      readonly damaged: readonly DamagedGeneration[];
      readonly setBack: SetBack;
    } & LoadedState<State>)
  | { readonly status: "absent"; readonly clearedAt: string | undefined };

/** What was found on the way to a {@link Loaded}. */
export interface Newest<State> {
  readonly loaded: Loaded<State>;
  readonly listing: Listing;
  /** The one that was loaded, and the content of its members. */
  readonly header: Header | undefined;
  readonly members: readonly Uint8Array[];
  readonly damaged: readonly DamagedGeneration[];
}

/** Finds the newest state that can be used. Looks again, a bounded number of times, when a generation vanishes meanwhile. */
export async function loadNewest<State>(place: Place<State>): Promise<Newest<State>> {
  for (let look = 0; look < CHECKPOINT_LOOKS_MAX; look++) {
    const listing = await perform(place, listCheckpoint(place.dir));
    const found = await firstGood(place, listing);
    if (found) return found;
  }
  throw new HoldfastError("BUSY", { what: "generations vanished each time they were looked at", path: place.dir });
}

/** Undefined: something vanished. */
async function firstGood<State>(place: Place<State>, listing: Listing): Promise<Newest<State> | undefined> {
  const damaged: DamagedGeneration[] = [];
  const aside = new Set(listing.damaged);
  const numbers = [...new Set([...listing.generations, ...listing.damaged])].sort((a, b) => b - a);
  for (const generation of numbers) {
    if (aside.has(generation)) {
      const path = pathIn(place.dir, checkpointName("damaged", generation));
      damaged.push({ generation, path, cause: "aside", message: "it was found damaged before" });
      continue;
    }
    const whole = await perform(place, readGeneration(place.dir, generation));
    if (whole === undefined) return undefined;
    if ("cause" in whole) {
      damaged.push(whole);
      continue;
    }
    const { header, members } = whole;
    if (header.kind === "cleared") {
      if (damaged.length > 0) break;
      return { loaded: { status: "absent", clearedAt: header.savedAt }, listing, header, members, damaged };
    }
    refuseOther(place, header, damaged);
    const state = await interpret(place, whole);
    if ("cause" in state) {
      damaged.push(state);
      continue;
    }
    const { savedAt, startedAt, progress } = header;
    return {
      loaded: judged({ ...state, generation, savedAt, startedAt, progress }, damaged, place),
      listing,
      header,
      members,
      damaged,
    };
  }
  if (damaged.length > 0) throw corrupt(place, damaged);
  return { loaded: await loadLegacy(place), listing, header: undefined, members: [], damaged };
}

function judged<State>(state: LoadedState<State>, damaged: readonly DamagedGeneration[], { dir }: Place<State>): Loaded<State> {
  const [newest] = damaged;
  if (!newest) return { status: "ok", ...state };
  const setBack: SetBack = {
    generations: damaged.length,
    milliseconds: newest.savedAt && state.savedAt ? Date.parse(newest.savedAt) - Date.parse(state.savedAt) : undefined,
    items: newest.progress && state.progress ? newest.progress.done - state.progress.done : undefined,
  };
  notify({ type: "degraded", path: dir, details: { generation: state.generation, damaged, setBack } });
  return { status: "degraded", ...state, damaged, setBack };
}

function refuseOther<State>(
  { dir, options, fingerprint }: Place<State>,
  header: Header,
  damaged: readonly DamagedGeneration[],
): void {
  if (fingerprint === undefined || options.anyFingerprint) return;
  const found = differences(header.fingerprint, fingerprint);
  if (found.length === 0) return;
  const text = found.map(({ path, saved, now }) => `${path || "it"} was ${JSON.stringify(saved)}, is ${JSON.stringify(now)}`);
  throw new HoldfastError("FINGERPRINT_MISMATCH", {
    what: `the checkpoint is of another job: ${text.join("; ")}`,
    path: dir,
    details: { differences: found, generation: header.generation, ...(damaged.length > 0 ? { damaged } : {}) },
  });
}

function corrupt<State>({ dir }: Place<State>, damaged: readonly DamagedGeneration[]): HoldfastError {
  const causes = damaged.map(
    ({ generation, message }) => `${generation === 0 ? "legacy" : `generation ${generation}`}: ${message}`,
  );
  return new HoldfastError("CORRUPT_CHECKPOINT", {
    what: `no generation of the checkpoint can be used (${causes.join("; ")})`,
    path: dir,
    details: { damaged },
  });
}

/** The file that the job kept before. Half of one is damage, and not absence. */
async function loadLegacy<State>(place: Place<State>): Promise<Loaded<State>> {
  const { legacy: path } = place;
  const absent: Loaded<State> = { status: "absent", clearedAt: undefined };
  if (path === undefined) return absent;
  let text: string;
  try {
    text = await withMachine(place.machine, () => readFile(path, "utf8"));
  } catch (error) {
    if (isHoldfastError(error, "NOT_FOUND")) return absent;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(place, [{ generation: 0, path, cause: "truncated", message: `${path} is no JSON`, error: error as Error }]);
  }
  const made = await fit(place, value, { from: undefined }, path);
  if ("cause" in made) throw corrupt(place, [{ generation: 0, path, ...made }]);
  const unknown = { savedAt: undefined, startedAt: undefined, progress: undefined };
  return { status: "ok", state: made.state, generation: 0, ...unknown, migratedFrom: "legacy" };
}
