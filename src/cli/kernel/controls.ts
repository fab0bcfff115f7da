/**
 * Ways to break a protocol that have to be seen: without them a broken record of the disk would look like a perfect library.
 * The library is the one that ships; what is broken is `node:fs` below it, or the disk.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import type { SabotageName } from "../../sim/index.ts";
import { FILE_SYSTEM_NAMES, type FileSystemName } from "./file-systems.ts";

/** The sabotages of the simulator that take a barrier away. */
export type Sabotage = Exclude<SabotageName, "ignored-short-write">;
/**
 * `lying-disk`: the disk says that it has flushed, and has not. `wrong-profile`: nothing is broken, but what is found is
 * compared with the profile of another file system, which does not have all of it.
 */
export type ControlName = Sabotage | "lying-disk" | "wrong-profile";

/** The barrier that a control takes away; the others leave the protocol as it is. */
export const sabotageOf = (control: ControlName | undefined): Sabotage | undefined =>
  control === "lying-disk" || control === "wrong-profile" ? undefined : control;

/** With which profile what is found on a file system is compared under `wrong-profile`. */
export const WRONG_PROFILE: Readonly<Partial<Record<FileSystemName, FileSystemName>>> = { ext4: "xfs", btrfs: "ext4" };

/**
 * On which file systems each control has to fail, for a name that was there and for a new one. On others it may: what they
 * promise beyond `strict` can save it. ext4 writes a file out when it is renamed over another (auto_da_alloc).
 */
export const CONTROLS: Readonly<Record<ControlName, Readonly<Record<"newName" | "oldName", readonly FileSystemName[]>>>> = {
  "no-file-sync": { newName: FILE_SYSTEM_NAMES, oldName: ["xfs", "btrfs"] },
  "no-directory-sync": { newName: FILE_SYSTEM_NAMES, oldName: FILE_SYSTEM_NAMES },
  "rename-before-sync": { newName: ["ext4", "xfs"], oldName: ["xfs"] },
  "lying-disk": { newName: FILE_SYSTEM_NAMES, oldName: FILE_SYSTEM_NAMES },
  "wrong-profile": { newName: FILE_SYSTEM_NAMES, oldName: FILE_SYSTEM_NAMES },
};

type Done = (error: NodeJS.ErrnoException | null) => void;

const original = { ...fs };

/**
 * Breaks a barrier in this process, for all that uses `node:fs` from now on. `meanwhile` is called where a broken order
 * leaves a gap: something that makes the system write to its disk then, as another program may.
 */
export function breakBarrier(name: Sabotage, meanwhile: () => void): void {
  const isDirectory = (file: number): boolean => original.fstatSync(file).isDirectory();
  const late = new Set<string>();
  const dropped = (file: number): boolean => {
    if (isDirectory(file)) return name === "no-directory-sync";
    if (name === "rename-before-sync") late.add(original.readlinkSync(`/proc/self/fd/${file}`));
    return name !== "no-directory-sync";
  };
  const syncLate = (from: fs.PathLike, to: fs.PathLike): void => {
    if (!late.delete(String(from))) return;
    meanwhile();
    const file = original.openSync(to, "r+");
    original.fsyncSync(file);
    original.closeSync(file);
  };
  const broken = {
    fsyncSync: (file: number) => void (dropped(file) || original.fsyncSync(file)),
    fsync: (file: number, done: Done) => (dropped(file) ? process.nextTick(done, null) : original.fsync(file, done)),
    // A batch of a log, which is written to a file that has its name.
    fdatasync: (file: number, done: Done) =>
      name === "no-file-sync" ? process.nextTick(done, null) : original.fdatasync(file, done),
  };
  const published = (op: "link" | "rename"): object => ({
    [`${op}Sync`]: (from: fs.PathLike, to: fs.PathLike) => {
      original[`${op}Sync`](from, to);
      syncLate(from, to);
    },
    [op]: (from: fs.PathLike, to: fs.PathLike, done: Done) =>
      original[op](from, to, (error) => {
        if (!error) syncLate(from, to);
        done(error);
      }),
  });
  Object.assign(fs, broken, published("link"), published("rename"));
  syncBuiltinESMExports();
}
