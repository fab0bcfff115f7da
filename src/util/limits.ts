/** Every numeric limit of the library, with its unit in the name and its reason or source. */

/** Longest name of a file in bytes: NAME_MAX of Linux file systems, APFS and NTFS (there in UTF-16 units). */
export const NAME_BYTES_MAX = 255;

/** Symbolic links followed for one path; Linux stops at 40 too (path_resolution(7)). */
export const SYMLINKS_MAX = 40;

/**
 * Most bytes handed to one write(2): far below the 2,147,479,552 that Linux moves at once (write(2)), so that an abort is
 * heard between two pieces of a large buffer.
 */
export const WRITE_BYTES_MAX = 16 * 1024 * 1024;

/** Small chunks of a source are gathered to pieces of this size: one write(2) for 64 KiB costs less than for each line. */
export const GATHER_BYTES = 64 * 1024;

/** Most bytes written on the main thread, to a file that was just synced: about 30 microseconds of copying. */
export const WRITTEN_AT_ONCE_BYTES_MAX = 128 * 1024;

/** The same, to a file that was just made in a directory on a local disk: a tile of 256 x 256 values is 100 microseconds of copying. */
export const NEW_WRITTEN_AT_ONCE_BYTES_MAX = 512 * 1024;

/** Most bytes asked of one read(2): below the limit Linux sets itself, see {@link WRITE_BYTES_MAX}. */
export const READ_BYTES_MAX = 512 * 1024 * 1024;

/**
 * Whole programs that run at once on one machine, each with two descriptors at most. 3,000 concurrent writes then need
 * under 100 descriptors, and more than a few dozen gain nothing on libuv's four threads.
 */
export const PROGRAMS_AT_ONCE = 32;

/** As {@link PROGRAMS_AT_ONCE}, for programs that wait for a caller's source: a stalled source must not hold up others. */
export const SOURCES_AT_ONCE = 16;

/**
 * Longest wait of a finished writer for others of its directory, to share a sync with them: a few syncs of a fast disk, and
 * little to whoever waits for one write.
 */
export const BARRIER_WAIT_MAX_MS = 10;

/** Names tried for a staged file before giving up: with 128 random bits a second try is for sweepers only. */
export const STAGE_ATTEMPTS_MAX = 8;

/** Directories remembered as swept; above it all are forgotten and swept again, which costs one listing each. */
export const SWEPT_DIRECTORIES_MAX = 4096;

/** Directories remembered as local; above it all are forgotten, and asked again at the next write. */
export const LOOKED_UP_DIRECTORIES_MAX = 1024;

/** Where a writer is protected by an exclusive open only: between close and rename nothing but age tells (Windows). */
export const SWEEP_AGE_SHARE_MODE_MS = 60_000;

/** Where there is no kernel lock at all: older than any write that is still going on. */
export const SWEEP_AGE_NO_LOCK_MS = 24 * 60 * 60 * 1000;

/** First and longest pause before a rename over a held file is tried again (Windows): most holds last milliseconds. */
export const HELD_DELAY_FIRST_MS = 1;
export const HELD_DELAY_MAX_MS = 50;

/** How long a rename over a held file is tried, by default. Go gives up after 2 s, Defender on shares takes seconds. */
export const HELD_BUDGET_ASYNC_MS = 10_000;
export const HELD_BUDGET_SYNC_MS = 2_000;
/** Below {@link SWEEP_AGE_SHARE_MODE_MS}, so that no sweeper takes the staged file meanwhile. */
export const HELD_BUDGET_MAX_MS = 50_000;

/** How long a lock is waited for, by default and at most: a person at a terminal gives up earlier, a build later. */
export const LOCK_TIMEOUT_MS = 10_000;
export const LOCK_TIMEOUT_MAX_MS = 86_400_000;

/** First and longest pause before a lock of another process is tried again: a dead owner's is had within the longest. */
export const LOCK_DELAY_FIRST_MS = 1;
export const LOCK_DELAY_MAX_MS = 20;

/** Length of the text in a lock file: room for a host name of 64 bytes (HOST_NAME_MAX), written as a whole each time. */
export const LOCK_NOTE_BYTES = 256;

/** Files of one directory that are handled as one batch: a directory of a million files then needs little memory. */
export const TREE_BATCH = 1024;

/** How many names a message lists before it says how many more there are. */
export const LISTED_MAX = 5;

/** Longest wait for another commit of several steps in the same directory: one of a large directory takes its time. */
export const JOURNAL_LOCK_TIMEOUT_MS = 60_000;

/** Things of one directory that the doctor looks at together: each has a file or two open. */
export const EXAMINED_AT_ONCE = 16;

/** Files of one staged directory whose sizes are added up for a report: about a second's work. */
export const MEASURED_FILES_MAX = 50_000;

/** Size from which a segment of a log is followed by a new one: removed as a whole, and searched in milliseconds. */
export const SEGMENT_BYTES = 16 * 1024 * 1024;
export const SEGMENT_BYTES_MAX = 1024 * 1024 * 1024;

/** Longest record of a log: a reader has one in memory, and what is larger is better off in a file of its own. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;

/** Records of one batch are taken until they have so many bytes: one write(2), which 64 KiB records fill too. */
export const BATCH_BYTES = 4 * 1024 * 1024;

/** Bytes of a log that are read at once: larger pieces are not read any faster. */
export const LOG_READ_BYTES = 256 * 1024;

/** Times that a reader looks again when segments vanish or come while it looks. */
export const LOG_LOOKS_MAX = 20;

/** Longest wait for the other processes that append to a log: each has it for one batch. */
export const LOG_LOCK_TIMEOUT_MS = 60_000;

/** First and longest pause before a tailing reader looks again. */
export const TAIL_DELAY_FIRST_MS = 1;
export const TAIL_DELAY_MAX_MS = 25;

/** Generations of a checkpoint that are kept, by default and at most: one to go back to, and one more. */
export const KEEP_GENERATIONS = 3;
export const KEEP_GENERATIONS_MAX = 1000;

/** Longest fingerprint of a checkpoint, as JSON: it is in each generation, and shown to people. */
export const FINGERPRINT_BYTES_MAX = 64 * 1024;

/** The first line of a generation is in these, with room for a fingerprint of that length. */
export const HEAD_BYTES = 256 * 1024;

/** Times that a reader lists a checkpoint again when a generation vanishes while it looks. */
export const CHECKPOINT_LOOKS_MAX = 20;

/** How long a run waits for the one before it: it may just be dying, and a status page has its lock for a moment. */
export const CHECKPOINT_LOCK_TIMEOUT_MS = 250;

/** Done keys that are kept as they are: each save of a job has them, and so many are no more than a few blocks of the disk. */
export const DONE_KEYS_RECENT = 1024;

/** Keys that a job in order may have done above one that is not: they are in each save. */
export const CURSOR_AHEAD_MAX = 1024;

/** Items that may fail and be passed over, each of which is remembered by its key: a job of which more fail is broken. */
export const FAILED_ITEMS_MAX = 10_000;

/** After so many items, or so long, a job is saved, if nobody says otherwise: two syncs for some seconds of work. */
export const SAVE_EVERY_ITEMS = 100;
export const SAVE_EVERY_MS = 5_000;

/** Items of a job that may be worked on at once. */
export const CONCURRENCY_MAX = 10_000;

/** Longest side of one tile of a tile set: 2 GiB of 64-bit values, in one piece. */
export const TILE_SIDE_MAX = 16_384;

/** Tiles that are made and written at once, by default and at most: as many as the thread pool writes, and as many to come. */
export const TILES_AT_ONCE = 8;
export const TILES_AT_ONCE_MAX = 128;

/** Tiles that are read at once: the thread pool has four threads. */
export const TILES_READ_AT_ONCE = 4;

/** Memory for the tiles under way, by default: what one of them needs at its peak is counted so many times its values. */
export const TILES_BUDGET_BYTES = 256 * 1024 * 1024;
export const TILE_COPIES = 4;

/** What a tile of another program may have beside its values: texts, a palette, a preview. */
export const ADOPTED_BYTES_EXTRA = 1024 * 1024;

/** How long the tiles of a replaced index stay for readers that can't be seen: a GDAL that has opened it reads tiles later. */
export const TILES_GRACE_MS = 60_000;
export const TILES_GRACE_MAX_MS = 365 * 86_400_000;

/** Times that a reader looks again when the tile set is replaced, and its old tiles removed, while it opens it. */
export const TILES_LOOKS_MAX = 20;
