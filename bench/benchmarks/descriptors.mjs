/** 3,000 writes at once by a process that may open 128 files. */
import { spawnSync } from "node:child_process";
import { child } from "../library.mjs";
import { round } from "../measure.mjs";

const WRITES = 3000;
const DESCRIPTORS = 128;

export async function descriptors({ dir }) {
  if (process.platform === "win32") return [];
  const args = ["-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "sh", process.execPath, child("descriptors"), dir, String(WRITES)];
  const { status, stdout, stderr } = spawnSync("sh", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const { succeeded, firstError, seconds } = JSON.parse(stdout);
  return [
    {
      id: `${WRITES} durable writes at once, ulimit -n ${DESCRIPTORS}`,
      value: succeeded,
      unit: "succeed",
      target: `${WRITES}`,
      met: succeeded === WRITES,
      details: { seconds, firstError },
      note: `${round(seconds, 1)} s${firstError ? `; ${firstError}` : ""}`,
    },
  ];
}
