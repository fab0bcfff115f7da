/**
 * A user's program. test/package.test.ts copies it to a project of its own, compiles it against the packed types with the
 * strictest settings, bundles it and runs it: `node program.js FILE` writes FILE and prints what it found.
 */
import { readFileSync } from "node:fs";
import {
  type ErrorCode,
  HoldfastError,
  isHoldfastError,
  type UpdateResult,
  updateJson,
  type WriteResult,
  writeFile,
  writeFileSync,
} from "holdfast";
import { type Lock, withLock } from "holdfast/lock";

async function main(file: string): Promise<void> {
  const first: WriteResult = writeFileSync(file, "first");
  const second = await writeFile(file, "second", { durability: "atomic" });
  const code = await codeOf(() => writeFile(`${file}/no/such/directory`, ""));
  console.log(JSON.stringify({ content: readFileSync(file, "utf8"), bytes: [first.sizeBytes, second.sizeBytes], code }));
}

/** Compiled and bundled, and not called: there is no lock on every machine. */
export async function count(file: string): Promise<boolean> {
  const update = (): Promise<UpdateResult> => updateJson<{ n: number }>(file, ({ n } = { n: 0 }) => ({ n: n + 1 }));
  const { changed } = await withLock(`${file}.more.lock`, (lock: Lock) =>
    lock.previousOwnerDied ? { changed: false } : update(),
  );
  return changed;
}

async function codeOf(failing: () => Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await failing();
    return undefined;
  } catch (error) {
    if (!isHoldfastError(error) || !(error instanceof HoldfastError)) throw error;
    return error.code;
  }
}

const [file] = process.argv.slice(2);
if (file !== undefined) void main(file);
