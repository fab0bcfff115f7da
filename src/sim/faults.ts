/** Requests that fail: which ones, how, and whether they did their work all the same. */
import type { Call, File, Op } from "../io/io.ts";
import type { Around } from "./around.ts";
import { systemError } from "./system-error.ts";

/**
 * What goes wrong with requests of a simulated process. Without conditions every request of the disk is meant.
 */
export interface Fault {
  /** Only requests of this kind, e.g. `"rename"`. */
  readonly op?: Op | undefined;
  /** Only requests about paths of this form: `*` stands for letters without a slash, `**` for any, `?` for one letter. */
  readonly path?: string | undefined;
  /** The first of these requests that fails, counted from 1. Default 1. */
  readonly nth?: number | undefined;
  /** How many fail in a row; `Infinity` is for ever. Default 1. */
  readonly times?: number | undefined;
  /** The error, e.g. `"ENOSPC"`. `"short"`: a write writes half and says so, which is no error. */
  readonly errno: string;
  /** Whether the request did its work before it failed, as when a reply is lost. Default false. */
  readonly applied?: boolean | undefined;
}

/** The system's names of requests, where they differ. */
const SYSCALL: Partial<Record<Op, string>> = {
  syncData: "fdatasync",
  syncFile: "fsync",
  syncDir: "fsync",
  statFile: "fstat",
  truncate: "ftruncate",
  setMode: "fchmod",
  setOwner: "fchown",
  setTime: "futime",
  tryLock: "flock",
  readLink: "readlink",
  realPath: "realpath",
  list: "scandir",
  search: "opendir",
  makeDir: "mkdir",
  removeDir: "rmdir",
  exchange: "rename",
  fileSystem: "statfs",
};

/** Whatever they answer, the descriptor is gone (close(2)). */
const ENDS: ReadonlySet<Op> = new Set(["close", "dropLock"]);

/** Their failure is recorded: what they were to cover may never reach the disk. */
const SYNCS: ReadonlySet<Op> = new Set(["syncData", "syncDir", "syncFile"]);

/** One fault, to be put around the requests of a process. */
export function faulty(fault: Fault): Around {
  const { op, nth = 1, times = 1, errno } = fault;
  const pattern = fault.path === undefined ? undefined : glob(fault.path);
  let count = 0;
  return (asked, proceed) => {
    const { call, step, path } = asked;
    const meant =
      step !== undefined && (op === undefined || op === call.op) && (!pattern || (path !== undefined && pattern.test(path)));
    if (!meant) return proceed(call);
    count++;
    if (count < nth || count >= nth + times) return proceed(call);
    if (errno === "short") return call.op === "write" ? shortened(call, proceed) : proceed(call);
    const applied = fault.applied === true || ENDS.has(call.op);
    step.note = `made to fail with ${errno}${applied ? ", after it did its work" : ""}`;
    if (applied) applyOnly(call, proceed);
    else if (SYNCS.has(call.op)) asked.syncFailed();
    throw systemError(errno, SYSCALL[call.op] ?? call.op, ...(path === undefined ? [] : [path]));
  };
}

function shortened(call: Call & { op: "write" }, proceed: (call: Call) => unknown): unknown {
  const [file, bytes, position] = call.args;
  return proceed({ op: "write", args: [file, bytes.subarray(0, Math.ceil(bytes.length / 2)), position] });
}

/** Whoever gets an error from open has no descriptor. */
function applyOnly(call: Call, proceed: (call: Call) => unknown): void {
  const reply = proceed(call);
  if (call.op === "open") proceed({ op: "close", args: [reply as File] });
}

/** The regular expression of a pattern for paths. */
function glob(pattern: string): RegExp {
  const source = pattern.replace(/\*\*|[*?]|[.+^${}()|[\]\\]/g, (found) =>
    found === "**" ? ".*" : found === "*" ? "[^/]*" : found === "?" ? "[^/]" : `\\${found}`,
  );
  return new RegExp(`^${source}$`);
}
