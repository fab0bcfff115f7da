/** The protocols of logs. What a log holds is written to a file by whoever opens it next, as its segments differ each time. */
import * as path from "node:path";
import { writeFile } from "../../index.ts";
import { type Log, type OpenLogOptions, openLog } from "../../log/index.ts";
import type { Acknowledge, Protocol } from "./protocols.ts";

const BATCHES = 5;
const FOUND = "found";

const logIn = (dir: string): string => path.posix.join(dir, "events.log");
/** Records of one letter each; from the second on, over two blocks. */
const recordOf = (index: number): Uint8Array => new Uint8Array(index === 0 ? 10 : 5000).fill(97 + index);

async function using(dir: string, options: OpenLogOptions, use: (log: Log) => Promise<void>): Promise<void> {
  const log = await openLog(logIn(dir), options);
  try {
    await use(log);
  } finally {
    await log.close();
  }
}

/** The position of the snapshot, of the oldest record and of the next, and the records that the snapshot does not have. */
async function recover(dir: string): Promise<void> {
  let text = "";
  await using(dir, {}, async (log) => {
    const snapshot = await log.latestSnapshot();
    const { first, next } = await log.stat();
    const from = snapshot?.position ?? 0;
    text = `${from},${first},${next},`;
    for await (const { bytes } of log.read({ from })) text += `${bytes.length}${String.fromCharCode(bytes[0] ?? 0)},`;
    await log.append(new Uint8Array(1)); // it goes on
  });
  await writeFile(path.posix.join(dir, FOUND), text);
}

/** The file as a tree shows it, with its runs of letters, as it was written. */
const written = (runs: string): string =>
  runs.replace(/(\S)\*(\d+) ?/g, (_, letter: string, count: string) => letter.repeat(Number(count)));

const check: Protocol["check"] = (tree, acknowledged) => {
  const text = written(tree.get(FOUND) ?? "");
  const [from = 0, first = 0, next = 0] = text.split(",").map(Number);
  const records = text.split(",").slice(3, -1);
  const expected = Array.from({ length: next - from }, (_, index) => {
    const { length, 0: letter = 0 } = recordOf(from + index);
    return `${length}${String.fromCharCode(letter)}`;
  });
  if (text === "") return "the log could not be read";
  if (first > from) return `records before position ${first} are gone, and the snapshot is of position ${from}`;
  if (records.join() !== expected.join()) return `the log holds ${records.join(" ")} instead of ${expected.join(" ")}`;
  const told = acknowledged.filter((name) => name === "record").length;
  if (next < told) return `${told} records were acknowledged, and ${next} are there`;
  const snapshots = acknowledged.filter((name) => name === "snapshot").length;
  return snapshots > 0 && from < BATCHES ? "the snapshot was acknowledged, and is lost" : undefined;
};

function logging(
  name: string,
  description: string,
  options: OpenLogOptions,
  barriers: Pick<Protocol, "barriers" | "strictBarriers">,
  more: (log: Log, acknowledge: Acknowledge) => Promise<void> = async () => {},
): Protocol {
  const run: Protocol["run"] = (dir, acknowledge) =>
    using(dir, options, async (log) => {
      for (let index = 0; index < BATCHES; index++) {
        await log.append(recordOf(index));
        await acknowledge("record");
      }
      await more(log, acknowledge);
    });
  return { name, description, before: {}, run, recover, check, ...barriers };
}

/** The sync of a batch makes its segment's name durable too, on all file systems that are asked. */
const BY_BATCHES = { barriers: ["no-file-sync"], strictBarriers: ["no-directory-sync"] } as const;
const BY_DIRECTORY = { barriers: ["no-file-sync", "no-directory-sync"] } as const;

export const LOG_PROTOCOLS: readonly Protocol[] = [
  logging("log", "openLog and append", {}, BY_BATCHES),
  logging("log-segments", "append, each in a segment of its own", { segmentBytes: 1 }, BY_BATCHES),
  logging(
    "log-snapshot",
    "append, snapshot and truncateBefore",
    { segmentBytes: 6000 },
    BY_DIRECTORY,
    async (log, acknowledge) => {
      await log.snapshot(BATCHES, "s".repeat(5000));
      await acknowledge("snapshot");
      await log.truncateBefore(BATCHES);
    },
  ),
];
