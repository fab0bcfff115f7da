/** A directory for the demo's files on a real disk, always removed. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { capabilities } from "../../index.ts";

/** Where the demo works. */
export interface WorkDir {
  readonly path: string;
  readonly fileSystem: string;
  /** Whether what a killed writer leaves is removed by the next one, not only once it is old. */
  readonly sweepsAtOnce: boolean;
}

/** Calls `body` with a fresh directory and removes it afterwards: the system's place for such, unless that is memory only. */
export async function withWorkDir<T>(body: (dir: WorkDir) => Promise<T>): Promise<T> {
  const temporary = os.tmpdir();
  const here = await capabilities(temporary);
  const inMemory = here.durability === "volatile";
  const [parent, prefix] = inMemory ? [process.cwd(), ".holdfast-demo-"] : [temporary, "holdfast-demo-"];
  const { fileSystem, sweep } = inMemory ? await capabilities(parent) : here;
  const created = await fs.promises.mkdtemp(path.join(parent, prefix));
  try {
    return await body({ path: created, fileSystem, sweepsAtOnce: sweep === "lock" });
  } finally {
    await fs.promises.rm(created, { recursive: true, force: true, maxRetries: 5 });
  }
}
