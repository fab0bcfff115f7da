/** Act: the disk is full. A new version that does not fit is saved over a good old file. */
import * as fs from "node:fs";
import * as path from "node:path";
import { type Cell, countText } from "../table.ts";
import type { Act, Finding, Stage } from "./act.ts";
import { type Contender, isInstalled } from "./contenders.ts";
import { startWriter } from "./writer-job.ts";

/** 128 KiB or 256 KiB: shells count blocks of 512 bytes or of 1024. The versions stay clear of both. */
const BLOCKS_MAX = 256;
const OLD_BYTES_MAX = 100_000;
const NEW_BYTES = 1_000_000;

/** What became of the file when one contender saved it. */
interface Trial {
  /** What the contender said: `saved`, or `error` and its code. */
  readonly said: string;
  readonly kept: boolean;
  readonly sizeBytes: number | undefined;
  readonly leftovers: number;
}

/** See above. */
export const fullDisk: Act = {
  id: "fullDisk",
  title: "Full disk: a version that does not fit is saved over a good file.",
  weight: 1,
  perform,
};

async function perform(stage: Stage): Promise<Finding> {
  const { output, contenders, dir, signal } = stage;
  const cells = new Map<string, readonly Cell[]>();
  if (process.platform === "win32") {
    output.line("  not available on Windows, which has no limit on the size of a file");
    return { holds: true, facts: { available: false }, headings: [], cells };
  }
  const [oldBytes, newBytes] = versions(stage);
  const newFile = path.join(dir, "new");
  fs.writeFileSync(newFile, newBytes);
  const facts: Record<string, Trial | "not installed"> = {};
  let holds = false;
  for (const contender of contenders) {
    if (!isInstalled(contender)) {
      facts[contender.name] = "not installed";
      continue;
    }
    const trial = await tryOne(contender, dir, oldBytes, newFile, signal);
    facts[contender.name] = trial;
    cells.set(contender.name, [trial.kept ? "kept" : "LOST"]);
    output.line(`  ${contender.name.padEnd(18)} ${describe(trial, newBytes.length)}`);
    if (contender.name === "holdfast") holds = trial.kept && trial.said === "error NO_SPACE" && trial.leftovers === 0;
  }
  return { holds, facts, headings: ["full disk"], cells };
}

/** The bytes of a real file, and the same grown beyond the limit. */
function versions({ material }: Stage): [oldBytes: Buffer, newBytes: Buffer] {
  const sizes = material.files.filter(({ sizeBytes }) => sizeBytes <= OLD_BYTES_MAX);
  const largest = sizes.reduce((a, b) => (b.sizeBytes > a.sizeBytes ? b : a), { name: "", sizeBytes: 0 });
  const oldBytes = largest.sizeBytes > 0 ? fs.readFileSync(path.join(material.root, largest.name)) : Buffer.from("old\n");
  return [oldBytes, Buffer.alloc(NEW_BYTES, oldBytes)];
}

async function tryOne({ name }: Contender, dir: string, oldBytes: Buffer, newFile: string, signal: AbortSignal): Promise<Trial> {
  const place = path.join(dir, name);
  const target = path.join(place, "file");
  fs.mkdirSync(place);
  fs.writeFileSync(target, oldBytes);
  const writer = startWriter({ kind: "one", contender: name, from: newFile, to: target }, signal, BLOCKS_MAX);
  let said = "nothing: its process died";
  writer.onLine((line) => {
    if (line !== "ready") said = line;
  });
  await writer.gone;
  signal.throwIfAborted();
  const now = fs.existsSync(target) ? fs.readFileSync(target) : undefined;
  const leftovers = fs.readdirSync(place).filter((other) => other !== "file").length;
  return { said, kept: now?.equals(oldBytes) ?? false, sizeBytes: now?.length, leftovers };
}

function describe({ said, kept, sizeBytes, leftovers }: Trial, newBytes: number): string {
  const now = kept
    ? "the old file is intact"
    : sizeBytes === undefined
      ? "the file is gone"
      : `the file has ${countText(sizeBytes)} of ${countText(newBytes)} bytes`;
  const left = leftovers > 0 ? `, ${leftovers} leftover` : "";
  return `${said === "saved" ? "reported success" : said}; ${now}${left}`;
}
