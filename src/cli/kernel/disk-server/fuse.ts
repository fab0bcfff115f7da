/** The part of the FUSE protocol that a directory with two files needs (include/uapi/linux/fuse.h, protocol 7.31). */

/** Numbers of requests. */
export const FUSE = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  ACCESS: 34,
  INTERRUPT: 36,
  DESTROY: 38,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
} as const;

/** The header before the body of each request. */
export const IN_HEADER_BYTES = 40;
const OUT_HEADER_BYTES = 16;
/** The header of a write, before its data. */
export const WRITE_HEADER_BYTES = 40;
/** The most that one write brings. */
export const WRITE_BYTES_MAX = 1 << 20;

const BLOCK = 4096;
const BIG_WRITES = 1 << 5;
const MAX_PAGES = 1 << 22;
const DIRECT_IO = 1;
const VALID_SECONDS = 3600n;
const ROOT_NODE = 1n;
const DIRECTORY_MODE = 0o40755;
const FILE_MODE = 0o100600;

/** One reply. */
export function reply(unique: bigint, errno: number, body: Uint8Array = new Uint8Array()): Buffer {
  const header = Buffer.alloc(OUT_HEADER_BYTES);
  header.writeUInt32LE(OUT_HEADER_BYTES + body.length, 0);
  header.writeInt32LE(-errno, 4);
  header.writeBigUInt64LE(unique, 8);
  return Buffer.concat([header, body]);
}

/** fuse_init_out. */
export function initBody(maxReadahead: number): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(31, 4);
  body.writeUInt32LE(maxReadahead, 8);
  body.writeUInt32LE(BIG_WRITES | MAX_PAGES, 12);
  body.writeUInt16LE(16, 16); // max_background
  body.writeUInt16LE(12, 18); // congestion_threshold
  body.writeUInt32LE(WRITE_BYTES_MAX, 20);
  body.writeUInt32LE(1, 24); // time_gran
  body.writeUInt16LE(WRITE_BYTES_MAX / BLOCK, 28);
  return body;
}

/** fuse_attr: the root, or a file of this size. */
function attributes(node: bigint, sizeBytes: number): Buffer {
  const body = Buffer.alloc(88);
  body.writeBigUInt64LE(node, 0);
  body.writeBigUInt64LE(BigInt(sizeBytes), 8);
  body.writeBigUInt64LE(BigInt(Math.ceil(sizeBytes / 512)), 16);
  body.writeUInt32LE(node === ROOT_NODE ? DIRECTORY_MODE : FILE_MODE, 60);
  body.writeUInt32LE(1, 64); // nlink
  body.writeUInt32LE(BLOCK, 80);
  return body;
}

/** fuse_attr_out. */
export function attributesBody(node: bigint, sizeBytes: number): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(VALID_SECONDS, 0);
  return Buffer.concat([head, attributes(node, sizeBytes)]);
}

/** fuse_entry_out. */
export function entryBody(node: bigint, sizeBytes: number): Buffer {
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(node, 0);
  head.writeBigUInt64LE(VALID_SECONDS, 16);
  head.writeBigUInt64LE(VALID_SECONDS, 24);
  return Buffer.concat([head, attributes(node, sizeBytes)]);
}

/** fuse_open_out; `direct`: nothing of the file is cached. */
export function openBody(direct: boolean): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(direct ? DIRECT_IO : 0, 8);
  return body;
}

/** fuse_write_out. */
export function writtenBody(sizeBytes: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(sizeBytes, 0);
  return body;
}

/** fuse_statfs_out. */
export function statfsBody(): Buffer {
  const body = Buffer.alloc(80);
  body.writeUInt32LE(BLOCK, 40);
  body.writeUInt32LE(255, 44); // namelen
  return body;
}
