/** Transactions, killed at each system call: by the public API. */
import fs from "node:fs";
import path from "node:path";
import { recover, type Transaction, transaction } from "holdfast/tx";
import type { Scenario } from "./scenario.ts";

const NEW = `${"\0".repeat(64)}the new content, a little longer`;

type Tree = Readonly<Record<string, string>>;
const OLD: Tree = { "a/log": "1" };
const CHANGED: Tree = { "a/log": NEW, "b/log.1": "1" };
const told = (tree: Tree): string => JSON.stringify(Object.entries(tree).sort());

async function change(tx: Transaction): Promise<void> {
  await tx.rename("a/log", "b/log.1");
  await tx.write("a/log", NEW);
}

function treeOf(dir: string): Tree {
  const entries = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)));
  const theirs = files.filter((name) => !name.startsWith(".holdfast-"));
  return Object.fromEntries(theirs.map((name) => [name, fs.readFileSync(path.join(dir, name), "utf8")]));
}

const transactions: Scenario = {
  name: "transaction",
  module: import.meta.url,
  setup(dir) {
    for (const [name, text] of Object.entries(OLD)) {
      fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      fs.writeFileSync(path.join(dir, name), text);
    }
  },
  run: (dir) => transaction(dir, change),
  observe: (dir) => told(treeOf(dir)),
  states: [told(OLD), told(CHANGED)],
  needsRecovery: true,
  recover: async (dir) => void (await recover(dir)),
};

export const SCENARIOS: readonly Scenario[] = [transactions];
