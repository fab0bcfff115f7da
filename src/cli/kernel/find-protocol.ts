/** All that a writing process can be told to run, by name. */
import { HoldfastError } from "../../index.ts";
import { LITMUS } from "./litmus.ts";
import { PROTOCOLS, type Protocol } from "./protocols.ts";

/** The protocol with this name. */
export function findProtocol(name: string): Protocol {
  const found = [...PROTOCOLS, ...LITMUS].find((one) => one.name === name);
  if (!found) throw new HoldfastError("ASSERTION", { what: `there is no protocol ${name}` });
  return found;
}
