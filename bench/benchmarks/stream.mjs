/** Memory that a stream of 1 GiB takes. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { child } from "../library.mjs";
import { round } from "../measure.mjs";

const MIB = 1024 * 1024;
const BYTES = 1024 * MIB;
const MIB_MAX = 64;

export async function stream({ dir }) {
  const peak = (bytes) => {
    const args = [child("stream"), path.join(dir, "stream"), String(bytes)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const idle = peak(0);
  const busy = peak(BYTES);
  const mib = (busy.peakBytes - idle.peakBytes) / MIB;
  const rate = BYTES / MIB / busy.seconds;
  return [
    {
      id: "1 GiB from an async generator: peak memory",
      value: round(mib, 1),
      unit: "MiB",
      target: `< ${MIB_MAX}`,
      met: mib < MIB_MAX,
      details: { idle, busy, durability: "durable", chunkBytes: 64 * 1024 },
      note: `above an idle process; durable, ${Math.round(rate)} MiB/s`,
    },
  ];
}
