/** The operations of logs. What is there before is a log that was checked in. */
import fs from "node:fs";
import path from "node:path";
import { type Log, type OpenLogOptions, openLog } from "holdfast/log";
import { nodeMachine } from "../../../dist/io/node.js";
import { runSync } from "../../../dist/io/run.js";
import { findSnapshot } from "../../../dist/log/snapshot.js";
import { ROOT } from "../../cli/command.ts";
import { recordsBy } from "../../support/log-records.ts";
import type { Scenario } from "./scenario.ts";

const logIn = (dir: string): string => path.join(dir, "log");
const NEW = `${"\0".repeat(64)}new`;
const all = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => (from + index === 3 ? "\0\u00ff\n\0" : `record ${from + index}`));

function observe(dir: string): string {
  const { sync } = nodeMachine();
  const snapshot = runSync(findSnapshot(logIn(dir)), sync);
  const records = recordsBy(sync, logIn(dir)).map((bytes) => Buffer.from(bytes).toString("latin1"));
  return JSON.stringify({ records, snapshot: snapshot?.position });
}

const seen = (records: readonly string[], snapshot?: number): string => JSON.stringify({ records, snapshot });

function onLog(
  name: string,
  golden: string,
  work: (log: Log, acknowledge: () => void) => unknown,
  states: readonly string[],
  options?: OpenLogOptions,
): Scenario {
  return {
    name: `log, ${name}`,
    module: import.meta.url,
    setup: (dir) => fs.cpSync(path.join(ROOT, "test/fixtures/log-1", golden), logIn(dir), { recursive: true }),
    async run(dir, acknowledge) {
      const log = await openLog(logIn(dir), options);
      try {
        await work(log, acknowledge);
      } finally {
        await log.close();
      }
    },
    observe,
    states,
    // Whoever comes after a dead owner begins a segment.
    makes: /^log\/segment-\d{12}$/,
    // Of an append whose hint could not be written, readers hear with the next one.
    needsRecovery: name.startsWith("append"),
    recover: async (dir) => (await openLog(logIn(dir))).close(),
  };
}

const bytes = new TextEncoder().encode(NEW);

export const SCENARIOS: readonly Scenario[] = [
  onLog(
    "append",
    "clean",
    async (log, acknowledge) => {
      await log.append(bytes);
      acknowledge();
      await log.append(bytes);
    },
    [seen(all(0, 5)), seen([...all(0, 5), NEW]), seen([...all(0, 5), NEW, NEW])],
  ),
  onLog("appendSync", "clean", (log) => log.appendSync(bytes), [seen(all(0, 5)), seen([...all(0, 5), NEW])]),
  onLog("append that begins a segment", "clean", (log) => log.append(bytes), [seen(all(0, 5)), seen([...all(0, 5), NEW])], {
    segmentBytes: 1,
  }),
  onLog("append after a dead owner", "dead-owner", (log) => log.append(bytes), [seen(all(0, 5)), seen([...all(0, 5), NEW])]),
  onLog("truncateBefore", "segments", (log) => log.truncateBefore(6), [seen(all(0, 8)), seen(all(6, 8))]),
  onLog("snapshot", "snapshot", (log) => log.snapshot(7, NEW), [seen(all(5, 8), 5), seen(all(5, 8), 7)]),
];
