/** Which trials there are. */
import { seededRandom } from "../seeded-random.ts";
import { FILE_SYSTEM_NAMES, FILE_SYSTEMS, type FileSystemName } from "./file-systems.ts";
import { LITMUS, type Litmus } from "./litmus.ts";
import { PROTOCOLS, type Protocol } from "./protocols.ts";
import type { Trial } from "./trial.ts";

/** How much to do. */
export interface PlanOptions {
  /** All barriers of all protocols, more images, and the litmus tests; else about a minute. */
  readonly long: boolean;
  readonly seed: number;
}

const IMAGES = { short: 25, long: 300 } as const;
const CONTROL_IMAGES = 20;
/** After how many of its first acknowledgements the power is cut. */
const CUTS = 2;
const LITMUS_IMAGES = 30;
/** A recovery is a process of its own: slower. */
const RECOVERED_SHARE = 0.3;
/** The protocols that are broken in the short form: a name that was there, and a new one. */
const BROKEN = ["replace", "create"];
const LOST_BY_CUT = "no-directory-sync";

/** All trials, those of one file system in a row. */
export function plan({ long, seed }: PlanOptions): Trial[] {
  const random = seededRandom(seed);
  const trials = FILE_SYSTEM_NAMES.flatMap((fileSystem) => [
    ...PROTOCOLS.flatMap((protocol) => sound(fileSystem, protocol, long)),
    ...PROTOCOLS.filter(({ name }) => long || BROKEN.includes(name)).flatMap((protocol) => broken(fileSystem, protocol)),
    ...LITMUS.filter(({ tellsApart }) => long || tellsApart === fileSystem).flatMap((litmus) => single(fileSystem, litmus)),
  ]);
  return trials.map((trial) => ({ ...trial, seed: Math.floor(random() * 2 ** 32) }));
}

type Planned = Omit<Trial, "seed">;

const images = (fileSystem: FileSystemName, protocol: string): Omit<Planned, "imagesMax"> => ({
  fileSystem,
  protocol,
  method: "images",
});

const cutPower = (fileSystem: FileSystemName, protocol: string): Planned => ({
  fileSystem,
  protocol,
  method: "power-cut",
  imagesMax: CUTS,
});

function sound(fileSystem: FileSystemName, { name, recover }: Protocol, long: boolean): Planned[] {
  const imagesMax = Math.round(IMAGES[long ? "long" : "short"] * (recover ? RECOVERED_SHARE : 1));
  const cut = FILE_SYSTEMS[fileSystem].cutsPower ? [cutPower(fileSystem, name)] : [];
  return [{ ...images(fileSystem, name), imagesMax }, ...cut];
}

/** And against another profile, where that has to make a difference. */
function single(fileSystem: FileSystemName, { name, tellsApart }: Litmus): Planned[] {
  const trial = { ...images(fileSystem, name), imagesMax: LITMUS_IMAGES };
  return tellsApart === fileSystem ? [trial, { ...trial, control: "wrong-profile" }] : [trial];
}

function broken(fileSystem: FileSystemName, { name, barriers }: Protocol): Planned[] {
  const controls = [...barriers, ...(name === BROKEN[0] ? (["lying-disk"] as const) : [])];
  const recorded: Planned[] = controls.map((control) => ({ ...images(fileSystem, name), control, imagesMax: CONTROL_IMAGES }));
  // The one whose loss the call shows without fail: the journal is in memory still.
  if (!FILE_SYSTEMS[fileSystem].cutsPower || !barriers.includes(LOST_BY_CUT)) return recorded;
  return [...recorded, { ...cutPower(fileSystem, name), control: LOST_BY_CUT }];
}
