/** Content that tells whether it is whole, and which version it is: a header line, then the bytes of a real file. */
import { createHash } from "node:crypto";

const HEADER = /^holdfast-demo version=(\d+) length=(\d+) sha256=([0-9a-f]{64})\n/;
const HEADER_BYTES_MAX = 160;

const digest = (version: number, body: Uint8Array): string =>
  createHash("sha256").update(`${version}\n`).update(body).digest("hex");

/** `body` as version `version`. */
export function stamp(version: number, body: Uint8Array): Buffer {
  const header = `holdfast-demo version=${version} length=${body.length} sha256=${digest(version, body)}\n`;
  return Buffer.concat([Buffer.from(header), body]);
}

/** The version of a stamped file, or undefined if it is torn: cut short, empty, or a mixture. */
export function versionOf(bytes: Uint8Array): number | undefined {
  const header = HEADER.exec(Buffer.from(bytes.subarray(0, HEADER_BYTES_MAX)).toString("latin1"));
  if (!header) return undefined;
  const version = Number(header[1]);
  const body = bytes.subarray(header[0].length);
  return body.length === Number(header[2]) && digest(version, body) === header[3] ? version : undefined;
}
