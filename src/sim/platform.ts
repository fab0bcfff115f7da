/** The two systems that a disk can be simulated under. */
import type { Traits } from "../io/io.ts";
import { NAME_BYTES_MAX } from "../util/limits.ts";

/** Options of a simulated disk; each has the default of an ordinary local Linux disk. */
export interface SimDiskOptions {
  /** `"windows"`: names differ by more than case, and open files hinder renames (docs/FAULT-MODEL.md, WIN). */
  readonly platform?: "posix" | "windows" | undefined;
  /** False: a file system in memory, of which nothing is left after power loss. */
  readonly persistent?: boolean | undefined;
  /** False: a directory can't be synced. */
  readonly syncsDirs?: boolean | undefined;
  /** Directories that are there when the disk is mounted can't be moved (EXDEV), as those of an overlay's lower layers. */
  readonly layered?: boolean | undefined;
  /** False: two names can't be exchanged in one step, as without fs-native-extensions. */
  readonly exchanges?: boolean | undefined;
  /** False: there are no kernel locks, as without fs-native-extensions. */
  readonly locks?: boolean | undefined;
  /** Repeats all that is random, e.g. names of staged files. */
  readonly seed?: number | undefined;
}

/** What of a system requests depend on. */
export interface Platform {
  readonly windows: boolean;
  readonly persistent: boolean;
  readonly syncsDirs: boolean;
  readonly exchanges: boolean;
  readonly layered: boolean;
  readonly traits: (userId: number, boot?: number) => Traits;
}

/** The system that `options` describe. */
export function platformOf(options: SimDiskOptions): Platform {
  const { platform = "posix", persistent = true, syncsDirs = true, locks = true } = options;
  const windows = platform === "windows";
  const { exchanges = !windows, layered = false } = options;
  const foldName = windows ? (name: string): string => name.toLowerCase() : (name: string): string => name;
  const lengthOf = windows ? (name: string): number => name.length : (name: string): number => Buffer.byteLength(name);
  const refuseName = (name: string): string | undefined =>
    lengthOf(name) > NAME_BYTES_MAX ? `a name can't be longer than ${NAME_BYTES_MAX}` : undefined;
  const lock = windows ? "share-mode" : locks ? "kernel" : "none";
  return {
    windows,
    persistent,
    syncsDirs,
    exchanges,
    layered,
    traits: (userId, boot = 1) => ({
      lock,
      boot: windows ? undefined : `simulated ${boot}`,
      replacesOpenFiles: !windows,
      userId: windows ? undefined : userId,
      foldName,
      refuseName,
      owner: { pid: 1, host: "simulated" },
    }),
  };
}
