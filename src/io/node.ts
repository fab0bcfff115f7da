/** The machine this process runs on. */
import { sharingBarriers } from "./barriers.ts";
import type { Machine } from "./io.ts";
import { lookingUpAtOnce } from "./lookups.ts";
import { posixMachine } from "./posix.ts";
import { windowsMachine } from "./windows.ts";

let machine: Machine | undefined;

/** Made at the first use, so that importing the package loads nothing native. */
export function nodeMachine(): Machine {
  if (!machine) {
    const { io, sync } = process.platform === "win32" ? windowsMachine() : posixMachine(process.platform);
    machine = { io: sharingBarriers(lookingUpAtOnce({ io, sync })), sync };
  }
  return machine;
}
