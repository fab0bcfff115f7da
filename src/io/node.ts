/** The machine this process runs on. */
import { sharingBarriers } from "./barriers.ts";
import type { Machine } from "./io.ts";
import { lookingUpAtOnce } from "./lookups.ts";
import { posixMachine } from "./posix.ts";
import { windowsMachine } from "./windows.ts";

let machine: Machine | undefined;

/** Made at the first use, so that importing the package loads nothing native. */
export function nodeMachine(): Machine {
  machine ??= machineOn(platformMachine());
  return machine;
}

/** Each request as calls of `node:fs`, and nothing more. */
export function platformMachine(): Machine {
  return process.platform === "win32" ? windowsMachine() : posixMachine(process.platform);
}

/** What makes a machine quick, put on a plain one. */
export function machineOn({ io, sync }: Machine): Machine {
  return { io: sharingBarriers(lookingUpAtOnce({ io, sync })), sync };
}
