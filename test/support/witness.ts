/** Sees whether two are in one critical section, whoever they are: processes, threads, callers. */
import fs from "node:fs";

/** What a lock tells its owner. */
interface Owner {
  readonly path: string;
  readonly previousOwnerDied: boolean;
}

/**
 * Calls `body` while a file that only one can make is there; fails with EEXIST if somebody else is inside. An owner that was
 * killed leaves the file, and its successor is told so.
 */
export async function witnessed<T>({ path, previousOwnerDied }: Owner, body: () => Promise<T> | T): Promise<T> {
  const witness = `${path}.inside`;
  if (previousOwnerDied) fs.rmSync(witness, { force: true });
  fs.closeSync(fs.openSync(witness, "wx"));
  const value = await body();
  fs.unlinkSync(witness);
  return value;
}
