/**
 * A disk that keeps a record of what reaches it: a FUSE file system, served from /dev/fuse without native code, with the
 * two files `disk` (for a loop device, which turns the flushes of block devices into fsync) and `mark` (what is written
 * there is a mark in the record). A process of its own, because it must answer while others wait for it.
 *
 * Arguments: the image behind `disk`, and the record to write. /dev/fuse, already mounted, is descriptor 3. Ends with the mount.
 */
import * as fs from "node:fs";
import { BlockLog } from "../block-log.ts";
import {
  attributesBody,
  entryBody,
  FUSE,
  IN_HEADER_BYTES,
  initBody,
  openBody,
  reply,
  statfsBody,
  WRITE_BYTES_MAX,
  WRITE_HEADER_BYTES,
  writtenBody,
} from "./fuse.ts";

const DEVICE = 3;
const DISK = 2n;
const MARK = 3n;
const ENOENT = 2;
const ENOSYS = 38;
const ZEROS = Buffer.alloc(WRITE_BYTES_MAX);

const [image = "", record = ""] = process.argv.slice(2);
const backing = fs.openSync(image, "r+");
const { size } = fs.fstatSync(backing);
const log = new BlockLog(record);
const request = Buffer.alloc(WRITE_BYTES_MAX + 64 * 1024);

const sizeOf = (node: bigint): number => (node === DISK ? size : 0);

function write(node: bigint, offset: number, data: Uint8Array): void {
  if (node === DISK) fs.writeSync(backing, data, 0, data.length, offset);
  log.append(node === DISK ? "write" : "mark", offset, data);
}

/** What loop makes of a discard, or of a request for zeros. */
function zero(offset: number, length: number): void {
  for (let at = 0; at < length; at += ZEROS.length) write(DISK, offset + at, ZEROS.subarray(0, length - at));
}

/** The reply to one request, or nothing where none is expected. */
function answer(op: number, unique: bigint, node: bigint, body: Buffer): Buffer | undefined {
  switch (op) {
    case FUSE.INIT:
      return reply(unique, 0, initBody(body.readUInt32LE(8)));
    case FUSE.LOOKUP: {
      const found = { "disk\0": DISK, "mark\0": MARK }[String(body)];
      return found ? reply(unique, 0, entryBody(found, sizeOf(found))) : reply(unique, ENOENT);
    }
    case FUSE.GETATTR:
    case FUSE.SETATTR:
      return reply(unique, 0, attributesBody(node, sizeOf(node)));
    case FUSE.OPEN:
    case FUSE.OPENDIR:
      return reply(unique, 0, openBody(node === MARK));
    case FUSE.READ: {
      const data = Buffer.alloc(node === DISK ? body.readUInt32LE(16) : 0);
      const bytesRead = fs.readSync(backing, data, 0, data.length, Number(body.readBigUInt64LE(8)));
      return reply(unique, 0, data.subarray(0, bytesRead));
    }
    case FUSE.WRITE: {
      const length = body.readUInt32LE(16);
      write(node, Number(body.readBigUInt64LE(8)), body.subarray(WRITE_HEADER_BYTES, WRITE_HEADER_BYTES + length));
      return reply(unique, 0, writtenBody(length));
    }
    case FUSE.FALLOCATE:
      zero(Number(body.readBigUInt64LE(8)), Number(body.readBigUInt64LE(16)));
      return reply(unique, 0);
    case FUSE.FSYNC:
      if (node === DISK) log.append("flush", 0, new Uint8Array());
      return reply(unique, 0);
    case FUSE.STATFS:
      return reply(unique, 0, statfsBody());
    case FUSE.RELEASE:
    case FUSE.FLUSH:
    case FUSE.RELEASEDIR:
    case FUSE.FSYNCDIR:
    case FUSE.ACCESS:
    case FUSE.DESTROY:
      return reply(unique, 0);
    case FUSE.FORGET:
    case FUSE.BATCH_FORGET:
    case FUSE.INTERRUPT:
      return undefined;
    default:
      return reply(unique, ENOSYS);
  }
}

/** `use`, or `otherwise` if it fails with one of `codes`. */
function unless<T>(codes: readonly string[], otherwise: T, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? "")) return otherwise;
    throw error;
  }
}

// ENODEV: it is not mounted any more. ENOENT: whoever asked was interrupted, and does not wait any more.
const INTERRUPTED = ["EAGAIN", "EINTR", "ENOENT"];
const read = (): number => unless(INTERRUPTED, 0, () => fs.readSync(DEVICE, request, 0, request.length, null));
const nextRequest = (): number | undefined => unless(["ENODEV"], undefined, read);
for (let length = nextRequest(); length !== undefined; length = nextRequest()) {
  if (length === 0) continue;
  const body = request.subarray(IN_HEADER_BYTES, length);
  const answered = answer(request.readUInt32LE(4), request.readBigUInt64LE(8), request.readBigUInt64LE(16), body);
  if (answered) unless(INTERRUPTED, 0, () => fs.writeSync(DEVICE, answered));
}
