/** `npm start`: the demo, on a fresh clone too. `npm start -- ARGS`: the command line with these arguments. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBenchInstalled, ensureBuilt, ensureInstalled, orExit, ROOT } from "./ensure.mjs";

const args = process.argv.slice(2);
if (args.length === 0) args.push("demo");

orExit(() => {
  ensureInstalled();
  ensureBuilt();
  if (args[0] === "demo") ensureBenchInstalled();
});

// npm runs scripts in the folder of package.json; relative paths in ARGS are meant from where the user stands.
if (process.env.npm_lifecycle_event === "start" && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

// In this process, not in a child: signals, exit code and terminal are then the program's own.
const main = path.join(ROOT, "dist/cli/main.js");
process.argv = [process.execPath, main, ...args];
await import(pathToFileURL(main).href);
