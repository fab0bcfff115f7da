/** What an index says of its generation. */
export interface Pointer {
  /** Beside the index. */
  readonly directory: string;
  readonly manifestSha256: string;
}

/** What is in the place of an index. `damaged`: it is not as it was written; `foreign`: it may be whole, and is none of ours. */
export type FoundIndex = Pointer | "damaged" | "foreign";

/** A pointer as it was read: whatever it says, it leads to nothing elsewhere. */
export function pointerTo(directory: string, manifestSha256: string): Pointer | "damaged" {
  return /[\\/]|^\.\.?$/.test(directory) ? "damaged" : { directory, manifestSha256 };
}
