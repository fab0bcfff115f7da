/** A snapshot, as callers see it. */
import { crc32 } from "node:zlib";
import type { Durability } from "../core/prepare.ts";
import type { Machine } from "../io/io.ts";
import { close, open } from "../io/program.ts";
import { run } from "../io/run.ts";
import { LOG_READ_BYTES } from "../util/limits.ts";
import { corrupt } from "./files.ts";
import { type FoundSnapshot, readPiece } from "./snapshot.ts";

/** What {@link Log.snapshot} resolves with. */
export interface SnapshotResult {
  readonly position: number;
  readonly sizeBytes: number;
  /** The level that was reached. */
  readonly durability: Durability;
}

/** What an application has made of all records before a position. */
export class LogSnapshot {
  /** Records from here on are not in it. */
  readonly position: number;
  readonly sizeBytes: number;
  readonly #machine: Machine;
  readonly #found: FoundSnapshot;

  /** @internal */
  constructor(machine: Machine, found: FoundSnapshot) {
    this.position = found.position;
    this.sizeBytes = found.sizeBytes;
    this.#machine = machine;
    this.#found = found;
  }

  /**
   * Its content, piece by piece. It was found whole before, and is looked at again.
   *
   * @throws {HoldfastError} `NOT_FOUND` if a newer snapshot has taken its place meanwhile; `CORRUPT_LOG` after the last piece.
   */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    const { path, sizeBytes, check } = this.#found;
    const { io } = this.#machine;
    const file = await run(open(path, "read"), io);
    try {
      let found = 0;
      for (let at = 0; at < sizeBytes; at += LOG_READ_BYTES) {
        const piece = await run(readPiece(file, this.#found, at), io);
        found = crc32(piece, found);
        yield piece;
      }
      if (found !== check) throw corrupt("a snapshot has changed since it was found", path);
    } finally {
      await run(close(file), io);
    }
  }
}
