/** So many writes at once, to a file each; prints how many succeeded. */
import path from "node:path";
import { performance } from "node:perf_hooks";
import { holdfast } from "../library.mjs";

const [, , dir, count] = process.argv;
const bytes = Buffer.alloc(4096, 3);
const startMs = performance.now();
const writes = Array.from({ length: Number(count) }, (_, index) => holdfast.writeFile(path.join(dir, `many-${index}`), bytes));
const results = await Promise.allSettled(writes);
const failed = results.filter(({ status }) => status === "rejected");
const seconds = (performance.now() - startMs) / 1000;
console.log(JSON.stringify({ succeeded: results.length - failed.length, firstError: failed[0]?.reason.message, seconds }));
