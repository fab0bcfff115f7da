/** What is remembered of each machine: it hangs on the machine, so that simulated ones do not share it, and goes with it. */
import type { Machine } from "./io.ts";

/** A function that gives what `make` made for a machine, made at the first call for it. */
export function perMachine<T>(make: () => T): (machine: Machine) => T {
  const made = new WeakMap<Machine, { readonly value: T }>();
  return (machine) => {
    let found = made.get(machine);
    if (!found) {
      found = { value: make() };
      made.set(machine, found);
    }
    return found.value;
  };
}
