/** Streams so many bytes to a file, or does nothing, and prints the most memory it ever had. */
import fs from "node:fs";
import { performance } from "node:perf_hooks";
import { holdfast } from "../library.mjs";

const [, , file, count] = process.argv;
const CHUNK_BYTES = 64 * 1024;

async function* chunks(total) {
  for (let done = 0; done < total; done += CHUNK_BYTES) yield Buffer.alloc(CHUNK_BYTES, done >> 16);
}

const startMs = performance.now();
// The idle process writes one chunk, so that what is loaded at the first write is not counted.
await holdfast.writeFile(file, chunks(Math.max(CHUNK_BYTES, Number(count))));
const seconds = (performance.now() - startMs) / 1000;
fs.unlinkSync(file);
console.log(JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1024, seconds }));
