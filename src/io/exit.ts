/** What has to be done before the process ends, where it ends by itself, by `process.exit` or by an error: never when it is killed. */
import type { Machine } from "./io.ts";
import { nodeMachine } from "./node.ts";

type Job = () => void;

/** By key, in the order they were asked for. */
const jobs = new Map<string, Set<Job>>();

/**
 * Calls `job` once when the process ends, unless the function that is returned was called before. Of several with one key, only
 * the newest is called. A simulated machine does not end.
 */
export function atExit(machine: Machine, key: string, job: Job): () => void {
  if (machine !== nodeMachine()) return () => {};
  if (jobs.size === 0) process.on("exit", callAll);
  const same = jobs.get(key) ?? new Set();
  jobs.set(key, same.add(job));
  return () => {
    same.delete(job);
    if (same.size === 0 && jobs.get(key) === same) jobs.delete(key);
    if (jobs.size === 0) process.off("exit", callAll);
  };
}

/** One that fails does not keep the others from being called; what it failed with is then an error of the process. */
function callAll(): void {
  const newest = [...jobs.values()].map((same) => [...same].at(-1));
  const errors: unknown[] = [];
  jobs.clear();
  for (const job of newest) {
    try {
      job?.();
    } catch (error) {
      errors.push(error);
    }
  }
  for (const first of errors) throw first;
}
