/** The built library, with the inner parts that benchmarks wrap; and the libraries that it is compared with. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export * as checkpoints from "../dist/checkpoint/index.js";
export { replaceFile } from "../dist/core/replace.js";
export * as doctor from "../dist/doctor/index.js";
export * as holdfast from "../dist/index.js";
export { sharingBarriers } from "../dist/io/barriers.js";
export { withMachine } from "../dist/io/current.js";
export { nativeLock } from "../dist/io/native-lock.js";
export { posixMachine } from "../dist/io/posix.js";
export { run, runSync } from "../dist/io/run.js";
export * as locks from "../dist/lock/index.js";
export * as logs from "../dist/log/index.js";
export { encodeGeoTiff } from "../dist/tiles/geotiff/index.js";
export { writeTileSet } from "../dist/tiles/index.js";
export { renderIndex } from "../dist/tiles/index-file.js";
export * as transactions from "../dist/tx/index.js";

/** Where `import "holdfast"` leads. */
export const ENTRY = new URL("../dist/index.js", import.meta.url).href;

/** The path of a program that a benchmark starts. */
export const child = (name) => fileURLToPath(new URL(`children/${name}.mjs`, import.meta.url));

/** Name to `(path, bytes) => Promise`, without those that are not installed (`npm ci` in bench/). */
export async function peers() {
  const require = createRequire(import.meta.url);
  const found = {};
  for (const [name, load] of Object.entries({
    "write-file-atomic": async () => require("write-file-atomic"),
    atomically: async () => (await import("atomically")).writeFile,
  })) {
    try {
      found[name] = await load();
    } catch (error) {
      if (!/MODULE_NOT_FOUND$/.test(error.code)) throw error;
    }
  }
  return found;
}
