/** 20 small files in one transaction, and in 20 durable writes one after the other. */
import fs from "node:fs";
import path from "node:path";
import { holdfast, transactions } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const FILES = 20;
const ROUNDS = 40;
const WARM_UP_ROUNDS = 10;

export async function transaction({ dir }) {
  const bytes = Buffer.alloc(1024, 3);
  const names = Array.from({ length: FILES }, (_, index) => `d${index % 6}/file-${index}`);
  for (const name of names) fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
  const contenders = {
    transaction: () =>
      transactions.transaction(dir, (tx) => {
        for (const name of names) tx.write(name, bytes);
      }),
    writes: async () => {
      for (const name of names) await holdfast.writeFile(path.join(dir, name), bytes);
    },
  };
  const results = await takeTurns(contenders, { rounds: ROUNDS, warmUp: WARM_UP_ROUNDS, baseline: "writes" });
  const { ratio, ms } = results.transaction;
  return [
    {
      id: `a transaction of ${FILES} files / ${FILES} durable writes`,
      value: round(ratio),
      unit: "x the time",
      target: "<= 1.5",
      met: ratio <= 1.5,
      details: { milliseconds: { transaction: ms, writes: results.writes.ms }, files: FILES, rounds: ROUNDS },
      note: `${round(ms)} ms and ${round(results.writes.ms)} ms`,
    },
  ];
}
