/** The real files that the demo saves: what git tracks around a directory, or else what lies in it. */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Bounds of what is taken, so that a big checkout costs neither memory nor disk. */
const FILES_MAX = 2000;
const BYTES_MAX = 64_000_000;
const FILE_BYTES_MAX = 8_000_000;
const LIST_BYTES_MAX = 64_000_000;

/** Real files. */
export interface Material {
  readonly root: string;
  /** Where the list comes from. */
  readonly from: "directory" | "git" | "package";
  /** Paths below the root, and sizes. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly sizeBytes: number;
  /** How many were left out, to stay within the bounds. */
  readonly leftOutCount: number;
}

/** Finds the files of the checkout around `given`, or around here; without one, those in `given`, or else those of this package. */
export async function findMaterial(given: string | undefined, signal: AbortSignal): Promise<Material> {
  const checkout = await checkoutAround(given ?? process.cwd(), signal);
  if (checkout) {
    const material = take(checkout.root, "git", checkout.names);
    if (material.files.length > 0) return material;
  }
  if (given !== undefined) {
    const root = path.resolve(given);
    const material = take(root, "directory", walk(root));
    if (material.files.length > 0) return material;
  }
  const own = fileURLToPath(new URL("../../..", import.meta.url));
  return take(own, "package", walk(own));
}

async function checkoutAround(
  directory: string,
  signal: AbortSignal,
): Promise<{ readonly root: string; readonly names: readonly string[] } | undefined> {
  const git = async (cwd: string, ...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)("git", args, { cwd, signal, maxBuffer: LIST_BYTES_MAX })).stdout;
  try {
    const root = (await git(directory, "rev-parse", "--show-toplevel")).replace(/\r?\n$/, "");
    return { root, names: (await git(root, "ls-files", "-z")).split("\0").filter((name) => name !== "") };
  } catch (error) {
    signal.throwIfAborted();
    void error; // no git, or no checkout: other files will do
    return undefined;
  }
}

/** Files below a directory in the order of their names, without what package managers put there. */
function* walk(root: string, below = ""): Generator<string> {
  const entries = fs.readdirSync(path.join(root, below), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.join(below, entry.name);
    if (entry.isFile()) yield name;
    else if (entry.isDirectory() && entry.name !== "node_modules" && entry.name !== ".git") yield* walk(root, name);
  }
}

function take(root: string, from: Material["from"], names: Iterable<string>): Material {
  const files: { name: string; sizeBytes: number }[] = [];
  let sizeBytes = 0;
  let leftOutCount = 0;
  for (const name of names) {
    const found = fs.lstatSync(path.join(root, name), { throwIfNoEntry: false });
    if (!found?.isFile()) continue; // a link, a submodule, or deleted since
    if (files.length >= FILES_MAX && from !== "git") break; // a walk may have no end in sight
    if (files.length >= FILES_MAX || found.size > FILE_BYTES_MAX || sizeBytes + found.size > BYTES_MAX) {
      leftOutCount++;
      continue;
    }
    files.push({ name, sizeBytes: found.size });
    sizeBytes += found.size;
  }
  return { root, from, files, sizeBytes, leftOutCount };
}
