/** The built package where fs-native-extensions is not installed, as a child's main module. */
import fs from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { ROOT } from "../package/npm.ts";
import { tempDir } from "./temp-dir.ts";

/** What {@link How.main} of a child is to be, so that it has no native lock. */
export function withoutNative(t: Pick<TestContext, "after">): string {
  const dir = tempDir(t);
  const copy = (name: string): void => fs.cpSync(path.join(ROOT, name), path.join(dir, name), { recursive: true });
  for (const name of ["package.json", "dist", "dist-test/support"]) copy(name);
  return path.join(dir, "dist-test/support/child-main.js");
}

/** Why the SQLite fallback can't be tested here. */
export const needsSqlite: string | false = process.getBuiltinModule?.("node:sqlite")
  ? false
  : "needs node:sqlite (Node 22.13 and later)";
