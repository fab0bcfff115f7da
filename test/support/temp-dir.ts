/** Directories for tests, on the disk of the temporary directory, removed when the test ends. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";

/** Windows removes nothing that is open, so there it waits until the test's processes are gone. */
const removeAtExit: string[] = [];
process.once("exit", () => {
  for (const dir of removeAtExit) {
    try {
      fs.rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
    } catch (error) {
      // Under Wine what a killed process had open stays so for a while. What is left is no result of a test.
      console.error(`${dir} is left: ${error}`);
    }
  }
});

/** A new empty directory, without symbolic links in its path. */
export function tempDir(t: Pick<TestContext, "after">): string {
  const dir = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "holdfast-test-"));
  if (process.platform === "win32") removeAtExit.push(dir);
  else t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** What is in a directory, but for the notes of locks, which are in files of their own on Windows. */
export const names = (dir: string): string[] =>
  fs
    .readdirSync(dir)
    .filter((name) => !name.endsWith(".holder"))
    .sort();

/** The names of ours that are in a directory: staged files that nobody has removed. */
export function leftovers(dir: string): string[] {
  return fs.readdirSync(dir).filter((name) => name.startsWith(".holdfast-"));
}

/** The paths below `dir` that this process has open, `dir` included (Linux; elsewhere none). */
export function openBelow(dir: string): string[] {
  if (process.platform !== "linux") return [];
  return fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
      return target === dir || target.startsWith(`${dir}/`) ? [target] : [];
    } catch {
      return []; // closed meanwhile, as the one that lists them
    }
  });
}

/** Resolves when nothing below `dir` is open any more: directories are closed without anybody waiting for it. */
export async function allClosed(dir: string): Promise<void> {
  while (openBelow(dir).length > 0) await new Promise((resolve) => setImmediate(resolve));
}
