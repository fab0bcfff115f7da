/** What `import "holdfast"` adds to the start of a process. */
import { spawnSync } from "node:child_process";
import { ENTRY } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const ROUNDS = 30;
const MS_MAX = 30;

export async function importTime() {
  const start = (code) => () => {
    const { status, stderr } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  };
  const contenders = { nothing: start("0"), holdfast: start(`import(${JSON.stringify(ENTRY)})`) };
  const { nothing, holdfast } = await takeTurns(contenders, { rounds: ROUNDS, warmUp: 2 });
  const ms = holdfast.ms - nothing.ms;
  const fastestMs = holdfast.fastestMs - nothing.fastestMs;
  return [
    {
      id: 'import "holdfast"',
      value: round(ms, 1),
      unit: "ms",
      target: `< ${MS_MAX}`,
      met: ms < MS_MAX,
      details: { withMs: round(holdfast.ms, 1), withoutMs: round(nothing.ms, 1), fastestMs: round(fastestMs, 1), rounds: ROUNDS },
      note: `${round(holdfast.ms, 1)} ms with, ${round(nothing.ms, 1)} ms without; of the fastest starts ${round(fastestMs, 1)} ms`,
    },
  ];
}
