/** What a child process asked of the kernel, and in which order. */
import fs from "node:fs";
import path from "node:path";

/** One system call. Its times are lines of the trace: a call that has ended before another begins was before it. */
export interface SystemCall {
  readonly name: string;
  /** The arguments as strace shows them; descriptors with their path. */
  readonly text: string;
  readonly begin: number;
  end: number;
}

/** A wrapper for a child process that records system calls into `file`, and fails some if asked (`-e inject=`). */
export function straced(file: string, calls: string, ...inject: readonly string[]): string[] {
  return [
    "strace",
    "-f",
    "-y",
    "-s",
    "4096",
    "-o",
    file,
    "-e",
    `trace=${calls}`,
    ...inject.flatMap((rule) => ["-e", `inject=${rule}`]),
  ];
}

/** The recorded calls about `dir` or something below it. */
export function systemCalls(file: string, dir: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, SystemCall>();
  for (const [line, text] of fs.readFileSync(file, "utf8").split("\n").entries()) {
    const [, thread = "", rest = ""] = /^(\d+) +(.*)$/.exec(text) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>/.test(rest);
    const open = unfinished.get(thread);
    if (resumed && open) {
      open.end = line;
      unfinished.delete(thread);
      continue;
    }
    const [, name, args] = /^(\w+)\((.*)$/.exec(rest) ?? [];
    if (!name || !args) continue;
    const call = { name, text: args, begin: line, end: line };
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
