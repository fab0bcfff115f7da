/** Which machine a call is for: the real one, or the one that a simulation has put in its place. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Machine } from "./io.ts";
import { nodeMachine } from "./node.ts";

/**
 * One for all copies of the package in a process: an application that was bundled with one is put on the simulated disk by a
 * test that imports another.
 */
const SHARED = Symbol.for("holdfast.machine");
const shared = globalThis as { [SHARED]?: AsyncLocalStorage<Machine> };
shared[SHARED] ??= new AsyncLocalStorage<Machine>();
const scoped = shared[SHARED];

/** The machine of this call. Objects that live longer (a staged file, a stream) keep the one they were opened with. */
export function currentMachine(): Machine {
  return scoped.getStore() ?? nodeMachine();
}

/** Calls `body`, and all that it starts, on `machine`. */
export function withMachine<T>(machine: Machine, body: () => T): T {
  return scoped.run(machine, body);
}
