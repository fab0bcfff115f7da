/** A log on a disk that really fills up: in the middle of an append, and where a segment is to begin. */
import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { type Body, inChild, withMounts } from "../support/child.ts";
import { needs, needsMkfs, needsMounts } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

interface Found {
  readonly codes: readonly (string | undefined)[];
  readonly outcomes: readonly (string | undefined)[];
  readonly acknowledged: readonly number[];
  readonly read: readonly number[];
}

/** Appends until the disk is full, three times more, and again when something was freed. Each record has its number, and its size says so. */
const fill: Body<{ dir: string; segmentBytes: number }, Found> = async ({ logs, fs, path, settle }, { dir, segmentBytes }) => {
  const ballast = path.join(dir, "ballast");
  const log = await logs.openLog(path.join(dir, "log"), { segmentBytes });
  const acknowledged: number[] = [];
  const failures: ({ code?: string; outcome?: string } | undefined)[] = [];
  const append = async (number: number): Promise<void> => {
    const { failed } = await settle(() => log.append(new Uint8Array(7000 + number).fill(number)));
    if (failed) failures.push(failed);
    else acknowledged.push(number);
  };
  let number = 0;
  while (failures.length === 0 && number < 1000) await append(number++);
  for (let more = 0; more < 3; more++) await append(number++);
  fs.unlinkSync(ballast);
  for (let more = 0; more < 3; more++) await append(number++);
  await log.close();
  const read: number[] = [];
  const again = await logs.openLog(path.join(dir, "log"));
  for await (const { bytes } of again.read()) {
    if (!bytes.every((byte) => byte === bytes[0])) throw new RangeError("a record is torn");
    read.push(bytes.length - 7000);
  }
  await again.close();
  return { codes: failures.map((one) => one?.code), outcomes: failures.map((one) => one?.outcome), acknowledged, read };
};

function expectSound({ codes, outcomes, acknowledged, read }: Found): void {
  assert.ok(codes.length >= 1 && codes.every((code) => code === "NO_SPACE"), String(codes));
  assert.ok(
    outcomes.every((outcome) => outcome === "unchanged"),
    String(outcomes),
  );
  assert.deepEqual(read, acknowledged, "what was acknowledged, and nothing else, in order");
  assert.ok(acknowledged.length >= 5, "it goes on when something was freed");
}

describe("a full disk under a log", () => {
  for (const [name, segmentBytes] of [
    ["an append", 16_000_000],
    ["the beginning of a segment", 1],
  ] as const) {
    test(`of 256 KiB, tmpfs, in ${name}`, { skip: needsMounts }, async (t) => {
      const dir = tempDir(t);
      const wrap = withMounts('mount -t tmpfs -o size=256k none "$1"; head -c 100000 /dev/zero > "$1/ballast"', dir);
      expectSound(await inChild(fill, { dir, segmentBytes }, { wrap }));
    });

    test(`ext4, in ${name}`, { skip: needs(needsMounts, needsMkfs) }, async (t) => {
      const dir = tempDir(t);
      const image = path.join(dir, "image");
      const mount = path.join(dir, "mount");
      const script = `
        truncate -s 4M "$1"; mkfs.ext4 -q -m 0 -b 1024 "$1"; mkdir "$2"; mount -o loop "$1" "$2"
        free=$(df --output=avail -B 1024 "$2" | tail -1); head -c $(((free - 150) * 1024)) /dev/zero > "$2/ballast"`;
      expectSound(await inChild(fill, { dir: mount, segmentBytes }, { wrap: withMounts(script, image, mount) }));
    });
  }
});
