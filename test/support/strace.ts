/** What a process asks of the kernel, in which order; and how to fail one of its calls, or end it there. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";

/** One system call. Its times are lines of the trace: a call that has ended before another begins was before it. */
export interface SystemCall {
  readonly name: string;
  /** The arguments as strace shows them; descriptors with their path. */
  readonly text: string;
  readonly thread: number;
  /** Which of the thread's calls of this name it is, from 1: what strace counts for `when`. */
  readonly nth: number;
  readonly begin: number;
  end: number;
}

const OPTIONS = ["-y", "-s", "4096"];

const rules = (calls: string, inject: readonly string[]): string[] => [
  "-e",
  `trace=${calls}`,
  ...inject.flatMap((rule) => ["-e", `inject=${rule}`]),
];

/** A wrapper for a child process that records system calls into `file`, and fails some if asked (`-e inject=`). */
export function straced(file: string, calls: string, ...inject: readonly string[]): string[] {
  return ["strace", "-f", ...OPTIONS, "-o", file, ...rules(calls, inject)];
}

/** A process or thread that is traced from now on. */
export interface Tracer {
  readonly process: ChildProcess;
  /** Lets go of it; the trace is complete then. */
  readonly end: () => Promise<void>;
}

/**
 * Traces a running process with all its threads, or with `"thread"` the one thread of this id, so that calls are counted from
 * here. Takes some milliseconds, where starting a process under strace takes more than a hundred.
 */
export async function attach(
  id: number,
  what: "process" | "thread",
  file: string,
  calls: string,
  ...inject: readonly string[]
): Promise<Tracer> {
  const args = [...(what === "process" ? ["-f"] : []), ...OPTIONS, "-o", file, "-p", String(id), ...rules(calls, inject)];
  const tracer = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
  const gone = once(tracer, "close"); // rejects if there is no strace
  let said = "";
  const attached = new Promise<void>((resolve, reject) => {
    tracer.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes(" attached")) resolve();
    });
    gone.then(() => reject(new Error(`strace could not attach: ${said}`)), reject);
  });
  await attached;
  const end = async (): Promise<void> => {
    tracer.kill("SIGINT");
    await gone;
  };
  return { process: tracer, end };
}

/** The recorded calls about `dir` or something below it. */
export function systemCalls(file: string, dir: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<number, SystemCall>();
  const counts = new Map<string, number>();
  for (const [line, text] of fs.readFileSync(file, "utf8").split("\n").entries()) {
    const [, id = "", rest = ""] = /^(\d+) +(.*)$/.exec(text) ?? [];
    const thread = Number(id);
    const resumed = /^<\.\.\. \w+ resumed>/.test(rest);
    const open = unfinished.get(thread);
    if (resumed && open) {
      open.end = line;
      unfinished.delete(thread);
      continue;
    }
    const [, name, args] = /^(\w+)\((.*)$/.exec(rest) ?? [];
    if (!name || !args) continue;
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, nth);
    const call = { name, text: args, thread, nth, begin: line, end: line };
    if (args.endsWith("<unfinished ...>")) unfinished.set(thread, call);
    calls.push(call);
  }
  return calls.filter(({ text }) => text.includes(dir));
}

/** A short name for each call: `fsync file`, `fsync dir`, `rename`, ... in the order in which they began. */
export function shortNames(calls: readonly SystemCall[], dir: string): string[] {
  return calls.map(({ name, text }) => {
    if (name !== "fsync") return name;
    const [, at = ""] = /<(.*)>\)/.exec(text.replace(/ <unfinished \.\.\.>$/, ")")) ?? /<([^<]*)> /.exec(text) ?? [];
    return at.replace(/>.*/, "") === dir
      ? "fsync dir"
      : `fsync ${path.basename(at).startsWith(".holdfast-stage-") ? "file" : at}`;
  });
}
