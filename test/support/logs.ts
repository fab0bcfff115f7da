/** Logs in tests: what they hold, as text. */
import assert from "node:assert/strict";
import { type Log, openLog } from "holdfast/log";
import { SimDisk } from "holdfast/sim";
import { Room } from "../../dist/format/log.js";
import { bootOf, LOG_LOCK_NAME } from "../../dist/format/log-files.js";
import { runSync } from "../../dist/io/run.js";
import { type Owned, takeOver } from "../../dist/log/owner.js";
import { recordsBy } from "./log-records.ts";

export const DIR = "/app/log";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytesOf = (text: string): Uint8Array => encoder.encode(text);

/** Appends one record after the other, and tells of each that is acknowledged. */
export async function appendAll(
  log: Log,
  texts: readonly string[],
  acknowledge: (text: string) => void = () => {},
): Promise<void> {
  for (const text of texts) {
    await log.append(bytesOf(text));
    acknowledge(text);
  }
}

/** All that a reader sees, and that positions have no gap. */
export async function contentOf(log: Log, from?: number): Promise<string[]> {
  const texts: string[] = [];
  let next = from;
  for await (const { position, bytes } of log.read({ from })) {
    if (next !== undefined && position !== next) throw new RangeError(`position ${position} comes where ${next} should`);
    next = position + 1;
    texts.push(decoder.decode(bytes));
  }
  return texts;
}

/** What a reader sees after the next start of a program that appends. */
export async function contentAfterOpening(dir: string = DIR): Promise<string[]> {
  const log = await openLog(dir);
  try {
    return await contentOf(log, 0);
  } finally {
    await log.close();
  }
}

/** What a reader that only reads sees on a simulated disk now. */
export function seenOn(disk: SimDisk, dir: string = DIR): string[] {
  return recordsBy(disk.process().sync, dir).map((bytes) => decoder.decode(bytes));
}

/** What the next owner finds on a disk as it is now, which is left as it is. */
export function foundOn(disk: SimDisk, dir: string = DIR): string[] {
  const { kernel } = disk;
  const copy = new SimDisk(kernel.options, kernel.restarted(kernel.volume.clone()));
  const { sync } = copy.process();
  const owned: Owned = { dir, boot: bootOf(sync.traits().boot), tail: undefined, room: new Room() };
  const held = sync.takeLock(`${dir}/${LOG_LOCK_NAME}`, "exclusive");
  assert.ok(held);
  runSync(takeOver(owned, held.lock), sync);
  return seenOn(copy, dir);
}

/** The segments on a simulated disk, oldest first. */
export function segmentsOn(disk: SimDisk, dir: string = DIR): string[] {
  return Object.keys(disk.tree()).filter((path) => path.startsWith(`${dir}/segment-`));
}

/** The position and the content of the latest snapshot. */
export async function snapshotOf(log: Log): Promise<string | undefined> {
  const found = await log.latestSnapshot();
  if (!found) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of found.read()) pieces.push(piece);
  return `${found.position} ${Buffer.concat(pieces).toString()}`;
}

/** Gives a file of a simulated disk another content, in place. */
export function overwrite(disk: SimDisk, file: string, bytes: Uint8Array): void {
  const { sync } = disk.process();
  const open = sync.open(file, "edit");
  sync.truncate(open, 0);
  sync.write(open, bytes, 0);
  sync.close(open);
}
