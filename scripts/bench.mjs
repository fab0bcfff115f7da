/** `npm run bench`: the benchmarks, against the libraries of bench/package.json. `npm run bench -- ARGS` passes ARGS on. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBenchInstalled, ensureBuilt, ensureInstalled, orExit, ROOT } from "./ensure.mjs";

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  ensureBenchInstalled();
});

const main = path.join(ROOT, "bench/main.mjs");
process.argv = [process.execPath, main, ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
