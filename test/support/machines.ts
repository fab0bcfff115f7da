/** The real machine with something put around its requests. */
import fs from "node:fs";
import { withMachine } from "../../dist/io/current.js";
import type { Call, Io, IoSync, Machine, Op } from "../../dist/io/io.js";
import { machineOn, nodeMachine, platformMachine } from "../../dist/io/node.js";

export { withMachine };

/** Gets a request and how to go on with it. Returns or throws its reply. */
export type Around = (call: Call, proceed: () => unknown) => unknown;

/** `machine` with `around` put around each request, of both forms. */
export function wrapped(around: Around, { io, sync }: Machine = nodeMachine()): Machine {
  return { io: wrapIo(io, around), sync: wrapIo(sync, around) as IoSync };
}

/**
 * The machine that ships, with nothing remembered of any directory. `around` sees what reaches `node:fs`, after look-ups and
 * syncs have been shared.
 */
export function freshMachine(around?: Around): Machine {
  return machineOn(around ? wrapped(around, platformMachine()) : platformMachine());
}
/** The note of a lock, which Windows has beside the lock file. */
export const readNote = (lockPath: string): string => nodeMachine().sync.readLockNote(lockPath);

/** One form of a machine with `around` put around each request. */
export function wrapIo<T extends Io>(io: T, around: Around): T {
  const wrap = (op: Op) => {
    const original = io[op] as (...args: unknown[]) => unknown;
    return (...args: unknown[]) => around({ op, args } as unknown as Call, () => original.apply(io, args));
  };
  return Object.fromEntries((Object.keys(io) as Op[]).map((op) => [op, wrap(op)])) as unknown as T;
}

/** The error of a system call. */
export function systemError(code: string, syscall: string, path?: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall, ...(path === undefined ? {} : { path }) });
}

const SYSCALL: Partial<Record<Op, string>> = {
  syncData: "fdatasync",
  syncFile: "fsync",
  syncDir: "fsync",
  setMode: "fchmod",
  setOwner: "fchown",
  statFile: "fstat",
};

/** Fails the `nth` request of one kind (1 is the first), or each. */
export function failing(op: Op, code: string, nth?: number): Around {
  let count = 0;
  return (call, proceed) => {
    if (call.op !== op || (++count !== nth && nth !== undefined)) return proceed();
    if (call.op === "close") fs.closeSync(call.args[0]); // the descriptor is gone all the same (close(2))
    throw systemError(code, SYSCALL[op] ?? op);
  };
}

/** Counts requests by name. */
export function counting(): { readonly counts: Map<Op, number>; readonly around: Around } {
  const counts = new Map<Op, number>();
  return {
    counts,
    around(call, proceed) {
      counts.set(call.op, (counts.get(call.op) ?? 0) + 1);
      return proceed();
    },
  };
}

/** The `nth` sync only seems to be done; of what there are, the places are told. */
export function leavingOut(nth: number, places: string[]): Around {
  return (call, proceed) => {
    if (call.op !== "syncDir" && call.op !== "syncFile") return proceed();
    places.push(call.op === "syncDir" ? String(call.args[0]).replace(/-[0-9a-z]{26}$/, "-ID") : "a file");
    return places.length === nth ? true : proceed();
  };
}
