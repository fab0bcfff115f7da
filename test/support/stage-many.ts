/** The main module of a worker thread that opens staged files and keeps them: who it was, and the names it asked for. */
import path from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { stageFile } from "holdfast";
import { withMachine, wrapped } from "./machines.ts";

const { dir, count } = workerData as { dir: string; count: number };
const names: string[] = [];
const machine = wrapped((call, proceed) => {
  if (call.op === "open" && call.args[1] === "create") names.push(path.basename(call.args[0]));
  return proceed();
});
const staged = await withMachine(machine, () =>
  Promise.all(Array.from({ length: count }, (_, index) => stageFile(path.join(dir, `target-${index}`)))),
);
parentPort?.postMessage(names);
await new Promise((resolve) => parentPort?.once("message", resolve));
for (const one of staged) await one.discard();
