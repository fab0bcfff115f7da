/** Which trials there are. */
import { seededRandom } from "../seeded-random.ts";
import { FILE_SYSTEM_NAMES, FILE_SYSTEMS, type FileSystemName } from "./file-systems.ts";
import { LITMUS } from "./litmus.ts";
import { PROTOCOLS, type Protocol } from "./protocols.ts";
import type { Trial } from "./trial.ts";

/** How much to do. */
export interface PlanOptions {
  /** All barriers of all protocols, more images, and the litmus tests; else about a minute. */
  readonly long: boolean;
  readonly seed: number;
}

const IMAGES = { short: 40, long: 300 } as const;
const CONTROL_IMAGES = 30;
const LITMUS_IMAGES = 40;
/** A recovery is a process of its own: slower. */
const RECOVERED_SHARE = 0.3;
/** The protocols that are broken in the short form: a name that was there, and a new one. */
const BROKEN = ["replace", "create"];

/** All trials, those of one file system in a row. */
export function plan({ long, seed }: PlanOptions): Trial[] {
  const random = seededRandom(seed);
  const trials = FILE_SYSTEM_NAMES.flatMap((fileSystem) => [
    ...PROTOCOLS.flatMap((protocol) => sound(fileSystem, protocol, long)),
    ...PROTOCOLS.filter(({ name }) => long || BROKEN.includes(name)).flatMap((protocol) => broken(fileSystem, protocol)),
    ...(long ? LITMUS : []).map(({ name }) => ({ ...images(fileSystem, name), imagesMax: LITMUS_IMAGES })),
  ]);
  return trials.map((trial) => ({ ...trial, seed: Math.floor(random() * 2 ** 32) }));
}

type Planned = Omit<Trial, "seed">;

const images = (fileSystem: FileSystemName, program: string): Omit<Planned, "imagesMax"> => ({
  fileSystem,
  program,
  method: "images",
});

function sound(fileSystem: FileSystemName, { name, recover }: Protocol, long: boolean): Planned[] {
  const imagesMax = Math.round(IMAGES[long ? "long" : "short"] * (recover ? RECOVERED_SHARE : 1));
  const cut: Planned = { fileSystem, program: name, method: "power-cut", imagesMax: 0 };
  return [{ ...images(fileSystem, name), imagesMax }, ...(FILE_SYSTEMS[fileSystem].cutsPower ? [cut] : [])];
}

function broken(fileSystem: FileSystemName, { name, barriers }: Protocol): Planned[] {
  const controls = [...barriers, ...(name === BROKEN[0] ? (["lying-disk"] as const) : [])];
  return controls.map((control) => ({ ...images(fileSystem, name), control, imagesMax: CONTROL_IMAGES }));
}
