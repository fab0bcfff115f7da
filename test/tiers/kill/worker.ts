/** The process that is killed, and whose calls fail: runs one scenario again and again, each time in another directory. */
import { randomFill } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fs from "node:fs";
import { promisify } from "node:util";
import type { Notice } from "holdfast";
import type { Call } from "../../../dist/io/io.js";
import { freshMachine, withMachine } from "../../support/machines.ts";
import type { Failure, Scenario } from "./scenario.ts";

/** What the worker is told to do. */
export type Order =
  | { readonly run: string; readonly record: boolean }
  /** Names what is still open below a directory, and closes it. */
  | { readonly tidy: string };

/** What the library asked of its machine, with the path if it has one. */
export interface Request {
  readonly op: Call["op"];
  readonly path: string;
  /** It was answered with an error, as a look at what is not there. */
  failed: boolean;
}

/** What it says once a run has ended; before that, one word for each acknowledgement. */
export interface Ended {
  readonly ended: {
    readonly error?: Failure | undefined;
    /** What could not be removed was told as a notice. */
    readonly told: boolean;
    readonly requests: readonly Request[];
  };
}

/** What it found open, when it was told to tidy. */
export interface Tidied {
  readonly open: readonly string[];
}

/** The part of a child's toolbox that it needs. */
interface Ears {
  readonly say: (answer: unknown) => void;
  readonly heard: () => Promise<unknown>;
}

export async function serve({ say, heard }: Ears, module: string, name: string): Promise<void> {
  const { SCENARIOS } = (await import(module)) as { readonly SCENARIOS: readonly Scenario[] };
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (!scenario) throw new TypeError(`there is no scenario ${name}`);
  say("ready");
  for (let order = (await heard()) as Order | undefined; order; order = (await heard()) as Order | undefined) {
    if ("tidy" in order) say({ open: closeBelow(order.tidy) } satisfies Tidied);
    else say({ ended: await perform(scenario, order.run, order.record, () => say("done")) } satisfies Ended);
  }
}

async function perform(scenario: Scenario, dir: string, record: boolean, acknowledge: () => void): Promise<Ended["ended"]> {
  const requests: Request[] = [];
  const noting = (call: Call, proceed: () => unknown): unknown => {
    const request = { op: call.op, path: String(call.args[0] ?? ""), failed: false };
    requests.push(request);
    const failed = (error: unknown): never => {
      request.failed = true;
      throw error;
    };
    try {
      const reply = proceed();
      return reply instanceof Promise ? reply.catch(failed) : reply;
    } catch (error) {
      return failed(error);
    }
  };
  let told = false;
  const listen = (notice: unknown): void => {
    told ||= (notice as Notice).type === "sweep-failed";
  };
  subscribe("holdfast:notice", listen);
  let error: Failure | undefined;
  try {
    await withMachine(freshMachine(record ? noting : undefined), async () => scenario.run(dir, acknowledge));
  } catch (thrown) {
    const { name, code, outcome, message } = thrown as Failure;
    error = { name, code, outcome, message };
  }
  // The thread pool has one thread here: whatever was asked of it before, such as closing a directory, is done after this. And
  // this needs no call that could be made to fail.
  await promisify(randomFill)(new Uint8Array(1));
  unsubscribe("holdfast:notice", listen);
  return { error, told, requests };
}

/** Left open by an operation, or not closed because that call was the one that failed. */
function closeBelow(dir: string): string[] {
  const below: string[] = [];
  for (const fd of fs.readdirSync("/proc/self/fd")) {
    const target = linkOf(`/proc/self/fd/${fd}`);
    if (target !== dir && !target.startsWith(`${dir}/`)) continue;
    below.push(target);
    fs.closeSync(Number(fd));
  }
  return below;
}

/** Empty if it is gone, as the descriptor of the listing itself. */
function linkOf(link: string): string {
  try {
    return fs.readlinkSync(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return "";
  }
}
