/** Who saves files in the demo: every one is handed the same path and the same bytes. */
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** Saves `bytes` under `path`; resolves when the library says that it is done. */
export type Save = (path: string, bytes: Uint8Array) => Promise<unknown>;

/** One way to save a file. */
export interface Contender {
  readonly name: string;
  /** The package it comes from, if it is not part of Node or of this package. */
  readonly module?: string;
  readonly load: () => Promise<Save>;
}

type WriteFile = (path: string, data: Buffer) => Promise<unknown>;

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** In the order of the table. Each is used as its documentation shows, with its defaults. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: "holdfast",
    load: async () => {
      const holdfast = await import("../../index.ts");
      return (path, bytes) => holdfast.writeFile(path, bytes);
    },
  },
  {
    name: "fs.writeFile",
    load: async () => (path, bytes) => fs.promises.writeFile(path, bytes),
  },
  {
    name: "write-file-atomic",
    module: "write-file-atomic",
    load: async () => {
      const writeFileAtomic = benchRequire("write-file-atomic") as WriteFile;
      return (path, bytes) => writeFileAtomic(path, buffer(bytes));
    },
  },
  {
    name: "atomically",
    module: "atomically",
    load: async () => {
      const { writeFile } = (await import(pathToFileURL(benchRequire.resolve("atomically")).href)) as { writeFile: WriteFile };
      return (path, bytes) => writeFile(path, buffer(bytes));
    },
  },
];

/** The other libraries are dependencies of the private package `bench`, never of this one. */
const benchRequire = createRequire(new URL("../../../bench/package.json", import.meta.url));

/** Whether the contender can be used here. */
export function isInstalled({ module }: Contender): boolean {
  if (module === undefined) return true;
  try {
    benchRequire.resolve(module);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return false;
    throw error;
  }
}
