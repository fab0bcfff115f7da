/** The main module of the processes that child.ts starts. Says and hears one JSON text a line. */
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { HoldfastError } from "holdfast";
import type { Body, Settled, Toolbox } from "./child.ts";

const [, , source = "", args = "null"] = process.argv;

const tell = (message: object): void => {
  fs.writeSync(1, `${JSON.stringify(message)}\n`);
};

let lines: AsyncIterator<string> | undefined;

async function settle<T>(work: () => T | Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    const { name, code, outcome, message, details } = error as HoldfastError;
    return { failed: { name, code, outcome, message, details: details ?? {} } };
  }
}

/** The modules of the toolbox that the function names; thousands of processes need none of the others. */
const MODULES = {
  hf: () => import("holdfast"),
  checkpoints: () => import("holdfast/checkpoint"),
  doctor: () => import("holdfast/doctor"),
  locks: () => import("holdfast/lock"),
  logs: () => import("holdfast/log"),
  txs: () => import("holdfast/tx"),
  machines: () => import("./machines.ts"),
  witnessed: async () => (await import("./witness.ts")).witnessed,
};
const named = Object.entries(MODULES).filter(([name]) => new RegExp(`\\b${name}\\b`).test(source));
const loaded = await Promise.all(named.map(async ([name, load]) => [name, await load()]));

const box = {
  ...(Object.fromEntries(loaded) as Pick<Toolbox, keyof typeof MODULES>),
  fs,
  path,
  settle,
  load: (module: string) => import(pathToFileURL(module).href),
  say: (said: unknown) => tell({ said }),
  async heard() {
    lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    return value === undefined ? undefined : JSON.parse(value);
  },
  become(userId: number, groupId = userId) {
    process.setgroups?.([]);
    process.setgid?.(groupId);
    process.setuid?.(userId);
  },
} satisfies Toolbox;

const body = new Function(`return (${source});`)() as Body<unknown, unknown>;
const value = await body(box, JSON.parse(args));
tell({ result: { value } });
process.stdin.destroy();
