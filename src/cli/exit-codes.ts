/** What the exit code of the command line says. Part of its contract: an unknown code must be taken as a failure. */
export const EXIT = {
  ok: 0,
  /** The operation failed; nothing is known to be damaged. */
  failed: 1,
  /** Wrong arguments; nothing was touched. */
  usage: 2,
  /** Damage was found. */
  damage: 3,
  /** Damage was found and repaired. */
  repaired: 4,
  /** Somebody else holds the lock. */
  locked: 11,
  /** Cancelled by the user (SIGINT): 128 + 2, as shells have it. */
  cancelled: 130,
} as const;
