/** One diagnosis; prints what it needed. */
import fs from "node:fs";
import { performance } from "node:perf_hooks";
import { doctor } from "../library.mjs";

const [, , dir] = process.argv;

/** What `resourceUsage` says includes, on Linux, what the parent had when it forked (setmax_mm_hiwater_rss in fs/exec.c). */
function peakBytes() {
  const [, kib] =
    process.platform === "linux" ? (/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/self/status", "utf8")) ?? []) : [];
  return (kib === undefined ? process.resourceUsage().maxRSS : Number(kib)) * 1024;
}

const startMs = performance.now();
const { directoryCount, findingCount } = await doctor.diagnose(dir);
const seconds = (performance.now() - startMs) / 1000;
console.log(JSON.stringify({ directoryCount, findingCount, seconds, peakBytes: peakBytes() }));
