/** `npm run build`: installs what is missing and compiles `src` to `dist`. */
import { ensureBuilt, ensureInstalled, orExit } from "./ensure.mjs";

orExit(() => {
  ensureInstalled();
  ensureBuilt();
});
