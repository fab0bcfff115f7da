/**
 * `node rebuild.mjs CORPUS OUT [--fresh] [--pause MS]`: indexes all .md and .txt files below CORPUS. Kill it whenever you like,
 * and start it again: it goes on where it was. Ctrl-C stops it after what is under way.
 */
import { createHash } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readJson, writeFile, writeJson } from "holdfast";
import { Checkpoint, resumable } from "holdfast/checkpoint";
import MiniSearch from "minisearch";
import { INDEX, passagesOf } from "./passages.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { fresh: { type: "boolean" }, pause: { type: "string", default: "0" } },
});
const [corpus = ".", out = "index"] = positionals;
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

/** The documents, by their paths in the corpus: these are the keys. */
async function documents() {
  const found = await fs.readdir(corpus, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile() && /\.(md|txt)$/.test(entry.name))
    .map((entry) => path.relative(corpus, path.join(entry.parentPath, entry.name)))
    .filter((name) => !name.split(path.sep).includes("node_modules"))
    .sort();
}

/** What is made of one document. The same document has the same file each time, so that to make it twice changes nothing. */
const outputOf = (name) => path.join(out, "passages", `${createHash("sha256").update(name).digest("hex")}.json`);

const all = await documents();
// Another corpus, or other ways to index, are another job: its checkpoint is refused.
const fingerprint = { corpus: path.resolve(corpus), index: INDEX };
await fs.mkdir(path.join(out, "passages"), { recursive: true });
const checkpoint = await Checkpoint.open(path.join(out, "checkpoint"), { fingerprint });
try {
  const result = await resumable(
    all,
    {
      key: (name) => name,
      checkpoint,
      every: { items: 10, ms: 5000 },
      concurrency: 4,
      total: all.length,
      fresh: values.fresh ?? false,
      signal: stop.signal,
      onProgress: ({ type, done, total }) => {
        if (type === "started" || type === "saved") console.error(`${type}: ${done} of ${total} documents`);
      },
    },
    async (name) => {
      const passages = passagesOf(name, await fs.readFile(path.join(corpus, name), "utf8"));
      await pause(Number(values.pause)); // stands for a model that takes its time
      await writeJson(outputOf(name), passages, { indent: 0 });
    },
  );
  const index = new MiniSearch(INDEX);
  for (const name of all) index.addAll(await readJson(outputOf(name)));
  await writeFile(path.join(out, "index.json"), JSON.stringify(index));
  console.log(
    `${result.done} documents, ${index.documentCount} passages, ${index.termCount} terms; ${result.processed} in this run`,
  );
} finally {
  await checkpoint.close();
}
