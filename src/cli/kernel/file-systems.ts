/** The file systems whose kernels are asked: how each is made and mounted, and what the machine needs for it. */

/** One file system. */
export interface FileSystem {
  readonly sizeBytes: number;
  readonly mkfs: readonly [command: string, ...args: string[]];
  /** The Debian package of that command. */
  readonly debianPackage: string;
  readonly mountOptions: string;
  /** Whether it has the call that cuts its power (EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN; both are xfs_io's `shutdown`). */
  readonly cutsPower: boolean;
}

const MEGABYTE = 1 << 20;

/** All of them; the names are those of `mount -t`, and of the simulator's profiles. */
export const FILE_SYSTEMS = {
  ext4: {
    sizeBytes: 64 * MEGABYTE,
    mkfs: ["mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
    debianPackage: "e2fsprogs",
    mountOptions: "noatime",
    cutsPower: true,
  },
  // 300 MB is the least that mkfs.xfs makes.
  xfs: {
    sizeBytes: 300 * MEGABYTE,
    mkfs: ["mkfs.xfs", "-q"],
    debianPackage: "xfsprogs",
    mountOptions: "noatime,nouuid",
    cutsPower: true,
  },
  btrfs: {
    sizeBytes: 128 * MEGABYTE,
    mkfs: ["mkfs.btrfs", "-q"],
    debianPackage: "btrfs-progs",
    mountOptions: "noatime",
    cutsPower: false,
  },
} as const satisfies Record<string, FileSystem>;

/** The name of a file system. */
export type FileSystemName = keyof typeof FILE_SYSTEMS;

/** Their names, in order. */
export const FILE_SYSTEM_NAMES = Object.keys(FILE_SYSTEMS) as readonly FileSystemName[];
