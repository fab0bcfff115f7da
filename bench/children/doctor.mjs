/** One diagnosis; prints what it needed. */
import { performance } from "node:perf_hooks";
import { doctor } from "../library.mjs";

const [, , dir] = process.argv;
const startMs = performance.now();
const { directoryCount, findingCount } = await doctor.diagnose(dir);
const seconds = (performance.now() - startMs) / 1000;
console.log(JSON.stringify({ directoryCount, findingCount, seconds, peakBytes: process.resourceUsage().maxRSS * 1024 }));
