/** What can be put around the requests of a simulated process: faults, sabotage, a record. */
import type { Call, File } from "../io/io.ts";
import type { Step } from "./log.ts";

/** One request on its way to the disk. */
export interface Asked {
  readonly call: Call;
  /** The path it is about, or that of its file. */
  readonly path: string | undefined;
  /** Its place in the record; undefined for requests that are not the disk's (`now`, `random`). */
  readonly step: Step | undefined;
  /** The path of an open file. */
  readonly pathOf: (file: File) => string | undefined;
  /** Records that this sync failed, so that no later one covers what it was to cover. */
  readonly syncFailed: () => void;
}

/** Gets a request and how to go on with it: as it is, changed, several times or not at all. Returns or throws its reply. */
export type Around = (asked: Asked, proceed: (call: Call) => unknown) => unknown;
