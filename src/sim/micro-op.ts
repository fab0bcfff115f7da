/**
 * What a disk is made of and what changes it.
 *
 * Every request that changes something is recorded as *micro-operations*. Each belongs to one inode and one chain of
 * versions: one name of a directory, one block of a file, its size, its attributes. After a crash each chain shows the last
 * of its micro-operations that reached the disk. This is the model of docs/FAULT-MODEL.md (section POWER).
 */

/** Content reaches the disk in blocks of this size, each whole: the page of Linux and the block of its file systems. */
export const BLOCK_BYTES = 4096;

/** Owner and permission bits. */
export interface Attributes {
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
}

/** What is fixed when an object is made. */
export interface Birth extends Attributes {
  readonly kind: "directory" | "file" | "symlink";
  /** Where a symbolic link leads. */
  readonly text: string;
}

interface Common {
  /** Its place in the order of all. */
  readonly seq: number;
  /** The request it is of. */
  readonly step: number;
  /** The last request that had been done when this one was asked for: in between it was in flight. */
  readonly asked: number;
  /** The inode that it changes, and whose sync makes it durable. */
  readonly inode: number;
  /** Which part of a write it is: a kill cuts between parts. */
  readonly part: number;
  readonly atMs: number;
}

/** An object comes to be. Never lost on its own: without a name nobody can tell. */
export type BirthOp = Common & { readonly kind: "birth"; readonly birth: Birth };
/** A name of a directory leads to `child`, or to nothing. `key` is equal for all spellings of one name. */
export type EntryOp = Common & {
  readonly kind: "entry";
  readonly key: string;
  readonly name: string;
  readonly child: number | undefined;
  /** Half of a change that no profile takes apart: a directory is moved, and no file system gives one two names. */
  readonly whole?: boolean | undefined;
};
/** A file is that long. */
export type SizeOp = Common & { readonly kind: "size"; readonly sizeBytes: number };
/** A block of a file holds these bytes, and zeros after them. From `freshFrom` on they lay beyond the end of the file. */
export type BlockOp = Common & {
  readonly kind: "block";
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly freshFrom: number;
};
/** Owner or mode is changed. */
export type AttributesOp = Common & { readonly kind: "attributes"; readonly attributes: Attributes };
/** The time of the last change is set. */
export type TimeOp = Common & { readonly kind: "time"; readonly modifiedMs: number };

/** One change of one chain. */
export type MicroOp = AttributesOp | BirthOp | BlockOp | EntryOp | SizeOp | TimeOp;
