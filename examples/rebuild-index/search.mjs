/** `node search.mjs OUT WORD...`: the best passages. */
import path from "node:path";
import { readFile } from "holdfast";
import MiniSearch from "minisearch";
import { INDEX, stems } from "./passages.mjs";

const [out = "index", ...words] = process.argv.slice(2);
const index = MiniSearch.loadJSON(await readFile(path.join(out, "index.json"), "utf8"), INDEX);
for (const { document, text, score } of index.search(stems(words.join(" ")).join(" "), { combineWith: "AND" }).slice(0, 5))
  console.log(`${score.toFixed(1)}  ${document}: ${text.replace(/\s+/g, " ").slice(0, 100)}`);
