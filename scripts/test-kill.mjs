/**
 * `npm run test:kill`: processes that are killed at each system call and at random moments, and system calls that fail, on a
 * fresh clone too. `-- --long` for everything, `-- WORD...` for the operations whose name contains one of the words,
 * `-- --seed N` for the random kills of another run.
 */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureCommand } from "./debian.mjs";
import { ensureBuilt, ensureInstalled, ensureTestsBuilt, orExit, ROOT } from "./ensure.mjs";

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  ensureTestsBuilt();
  ensureCommand("strace", "strace");
});

await import(pathToFileURL(path.join(ROOT, "dist-test/tiers/kill/main.js")).href);
