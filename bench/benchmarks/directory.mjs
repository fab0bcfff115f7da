/** A staged directory of 1,000 small files against 1,000 durable writes, one after another and all at once. */
import fs from "node:fs";
import path from "node:path";
import { holdfast } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const FILES = 1000;
const BYTES = Buffer.alloc(1024, 3);
const ROUNDS = 7;
const TIMES_MIN = 3;

export async function directory({ dir }) {
  const names = Array.from({ length: FILES }, (_, index) => `f${index}`);
  const single = path.join(dir, "single");
  fs.mkdirSync(single);
  const results = await takeTurns(
    {
      async staged() {
        const staged = await holdfast.stageDirectory(path.join(dir, "staged"), { replace: true });
        for (const name of names) void staged.writeFile(name, BYTES);
        await staged.commit();
      },
      async "one after another"() {
        for (const name of names) await holdfast.writeFile(path.join(single, name), BYTES);
      },
      async "all at once"() {
        await Promise.all(names.map((name) => holdfast.writeFile(path.join(single, name), BYTES)));
      },
    },
    { rounds: ROUNDS, warmUp: 2, baseline: "staged" },
  );
  const times = results["one after another"].ratio;
  return [
    {
      id: `staged directory of ${FILES} files of 1 KiB / single durable writes`,
      value: round(times, 1),
      unit: "x the speed",
      target: `>= ${TIMES_MIN}`,
      met: times >= TIMES_MIN,
      details: { ms: Object.fromEntries(Object.entries(results).map(([name, { ms }]) => [name, round(ms, 0)])), rounds: ROUNDS },
      note: Object.entries(results)
        .map(([name, { ms }]) => `${name} ${round(ms, 0)} ms`)
        .join(", "),
    },
  ];
}
