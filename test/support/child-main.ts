/** The main module of the processes that child.ts starts. Says and hears one JSON text a line. */
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import * as hf from "holdfast";
import * as checkpoints from "holdfast/checkpoint";
import * as doctor from "holdfast/doctor";
import * as locks from "holdfast/lock";
import * as logs from "holdfast/log";
import * as txs from "holdfast/tx";
import type { Body, Settled, Toolbox } from "./child.ts";
import * as machines from "./machines.ts";
import { witnessed } from "./witness.ts";

const [, , source = "", args = "null"] = process.argv;

const tell = (message: object): void => {
  fs.writeSync(1, `${JSON.stringify(message)}\n`);
};

let lines: AsyncIterator<string> | undefined;

async function settle<T>(work: () => T | Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    const { name, code, outcome, message, details } = error as hf.HoldfastError;
    return { failed: { name, code, outcome, message, details: details ?? {} } };
  }
}

const box: Toolbox = {
  hf,
  checkpoints,
  doctor,
  locks,
  logs,
  txs,
  witnessed,
  fs,
  path,
  machines,
  settle,
  load: (module) => import(pathToFileURL(module).href),
  say: (said) => tell({ said }),
  async heard() {
    lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    return value === undefined ? undefined : JSON.parse(value);
  },
  become(userId, groupId = userId) {
    process.setgroups?.([]);
    process.setgid?.(groupId);
    process.setuid?.(userId);
  },
};

const body = new Function(`return (${source});`)() as Body<unknown, unknown>;
const value = await body(box, JSON.parse(args));
tell({ result: { value } });
process.stdin.destroy();
