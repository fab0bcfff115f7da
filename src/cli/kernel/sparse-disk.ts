/** The content of a block device in memory, without the zeros: disks of hundreds of megabytes hold a few hundred blocks. */
import * as fs from "node:fs";

const CHUNK = 4096;
const ZEROS = Buffer.alloc(CHUNK);
const READ_BYTES = 256 * CHUNK;

/** See above. */
export class SparseDisk {
  readonly sizeBytes: number;
  readonly #chunks: Map<number, Buffer>;

  private constructor(sizeBytes: number, chunks: Map<number, Buffer>) {
    this.sizeBytes = sizeBytes;
    this.#chunks = chunks;
  }

  /** The disk in an image file. */
  static load(path: string): SparseDisk {
    const file = fs.openSync(path, "r");
    try {
      const { size } = fs.fstatSync(file);
      const disk = new SparseDisk(size, new Map());
      const buffer = Buffer.alloc(READ_BYTES);
      for (let at = 0; at < size; at += READ_BYTES)
        disk.write(at, buffer.subarray(0, fs.readSync(file, buffer, 0, READ_BYTES, at)));
      return disk;
    } finally {
      fs.closeSync(file);
    }
  }

  /** A copy that changes on its own. */
  clone(): SparseDisk {
    return new SparseDisk(this.sizeBytes, new Map(this.#chunks));
  }

  /** Writes bytes; no chunk is changed in place, as copies share them. */
  write(offset: number, data: Uint8Array): void {
    for (let at = 0; at < data.length; ) {
      const index = Math.floor((offset + at) / CHUNK);
      const start = offset + at - index * CHUNK;
      const part = data.subarray(at, at + CHUNK - start);
      const chunk = Buffer.from(this.#chunks.get(index) ?? ZEROS);
      chunk.set(part, start);
      if (chunk.equals(ZEROS)) this.#chunks.delete(index);
      else this.#chunks.set(index, chunk);
      at += part.length;
    }
  }

  /** Makes an image file of it. */
  save(path: string): void {
    const file = fs.openSync(path, "w");
    try {
      fs.ftruncateSync(file, this.sizeBytes);
      for (const [index, chunk] of this.#chunks) fs.writeSync(file, chunk, 0, CHUNK, index * CHUNK);
    } finally {
      fs.closeSync(file);
    }
  }
}
