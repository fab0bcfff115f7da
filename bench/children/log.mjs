/** Opens a log, reads and verifies all of it; prints its peak memory in KiB. */
import fs from "node:fs";
import { logs } from "../library.mjs";

const [, , dir] = process.argv;
const log = await logs.openLog(dir);
let bytes = 0;
for await (const record of log.read()) bytes += record.bytes.length;
await log.verify();
await log.close();
// What `resourceUsage` says includes, on Linux, what the parent had when it forked.
const [, kib] =
  /^VmHWM:\s+(\d+) kB$/m.exec(process.platform === "linux" ? fs.readFileSync("/proc/self/status", "utf8") : "") ?? [];
console.log(bytes > 0 ? (kib ?? process.resourceUsage().maxRSS) : 0);
