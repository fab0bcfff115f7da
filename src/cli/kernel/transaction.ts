/** The transaction that is asked of real kernels. */
import * as path from "node:path";
import { transaction } from "../../tx/index.ts";
import type { Protocol } from "./protocols.ts";
import { runsOf, type Tree } from "./tree.ts";

const version = (letter: string): string => letter.repeat(6000);
const OLD = version("o");
const VERSIONS = ["a", "b"].map(version);
/** In two directories; the log is renamed to the next name, and begun anew. */
const FILES = ["one/file", "two/log"];

/** Each version is in all files, or in none; and the log of the one before it is still there. */
function whole(tree: Tree, acknowledged: readonly string[]): string | undefined {
  const found = FILES.map((name) => tree.get(name));
  const at = [OLD, ...VERSIONS].findIndex((text) => runsOf(text) === found[0]);
  if (at < 0) return `${FILES[0]} ${found[0] === undefined ? "is gone" : "is torn"}`;
  if (found[1] !== found[0]) return `mixed: ${found.map((text) => text ?? "absent").join(", ")}`;
  if (at < acknowledged.length) return "it was acknowledged, but is lost";
  const before = [OLD, ...VERSIONS][at - 1];
  if (before !== undefined && tree.get("one/log.1") !== runsOf(before)) return `one/log.1 is ${tree.get("one/log.1") ?? "gone"}`;
  return undefined;
}

/** See above. */
export const transacted: Protocol = {
  name: "transaction",
  description: "transaction over three files in two directories",
  before: Object.fromEntries(FILES.map((name) => [name, OLD])),
  async run(dir, acknowledge) {
    for (const content of VERSIONS) {
      await transaction(dir, async (tx) => {
        await tx.rename("two/log", "one/log.1");
        for (const name of FILES) await tx.write(name, content);
      });
      await acknowledge("all");
    }
  },
  recover: (dir) => transaction(path.posix.normalize(dir), () => {}).then(() => {}),
  check: whole,
  barriers: ["no-file-sync", "no-directory-sync"],
};
