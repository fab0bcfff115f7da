/**
 * Negative controls: ways to break a write protocol that a sweep must find. A sweep that stays green under one of them
 * proves nothing without it either.
 */

import { HoldfastError } from "../errors.ts";
import type { File, Op } from "../io/io.ts";
import type { Around } from "./around.ts";

/** All of them, each made afresh for one process. */
const SABOTAGES = {
  "no-file-sync": () => dropped("syncFile", "syncData"),
  "no-directory-sync": () => dropped("syncDir"),
  "rename-before-sync": renameBeforeSync,
  "ignored-short-write": ignoredShortWrite,
} as const satisfies Record<string, () => Around>;

/**
 * A broken barrier: `no-file-sync` and `no-directory-sync`, syncs that do nothing; `rename-before-sync`, content is synced
 * only after it has its name; `ignored-short-write`, writes that stop half way and nobody looks.
 */
export type SabotageName = keyof typeof SABOTAGES;

/** The names of all negative controls. */
export const SABOTAGE_NAMES = Object.keys(SABOTAGES) as readonly SabotageName[];

/** One negative control, to be put around the requests of a process. */
export function sabotage(name: SabotageName): Around {
  return SABOTAGES[name]();
}

function dropped(...ops: readonly Op[]): Around {
  return ({ call, step }, proceed) => {
    if (!ops.includes(call.op)) return proceed(call);
    if (step) step.note = "sabotage: it only seems to be done";
    return call.op === "syncDir" ? true : undefined;
  };
}

function renameBeforeSync(): Around {
  const unsynced = new Map<File, string | undefined>();
  const toClose = new Set<File>();
  return ({ call, step, pathOf }, proceed) => {
    if (call.op === "syncFile") {
      const [file] = call.args;
      if (step) step.note = "sabotage: put off until after the rename";
      unsynced.set(file, pathOf(file));
      return undefined;
    }
    if (call.op === "close" && unsynced.has(call.args[0])) {
      toClose.add(call.args[0]);
      return undefined;
    }
    const reply = proceed(call);
    if (call.op !== "rename" && call.op !== "link") return reply;
    const [from] = call.args;
    for (const [file, path] of unsynced) {
      if (path !== from) continue;
      if (step) step.note = "sabotage: the content is synced only now, after it has its name";
      proceed({ op: "syncFile", args: [file] });
      if (toClose.delete(file)) proceed({ op: "close", args: [file] });
      unsynced.delete(file);
    }
    return reply;
  };
}

function ignoredShortWrite(): Around {
  const sizes = new Map<File, number>();
  return ({ call, step }, proceed) => {
    if (call.op === "write") {
      const [file, bytes, position] = call.args;
      if (step) step.note = "sabotage: only half of it is written, and nobody looks";
      proceed({ op: "write", args: [file, bytes.subarray(0, bytes.length >> 1), position] });
      sizes.set(file, Math.max(sizes.get(file) ?? 0, position + bytes.length));
      return bytes.length;
    }
    if (call.op === "close") sizes.delete(call.args[0]);
    const reply = proceed(call);
    if (call.op === "endsBy" && sizes.has(call.args[0])) return true;
    const sizeBytes = call.op === "statFile" ? sizes.get(call.args[0]) : undefined;
    if (sizeBytes === undefined) return reply;
    if (typeof reply !== "object" || reply === null) throw new HoldfastError("ASSERTION", { what: "statFile gives no object" });
    return { ...reply, sizeBytes };
  };
}
