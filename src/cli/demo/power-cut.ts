/** Act: the power is cut, in a simulated disk, at every point and with every state that the disk could then be in. */
import { readFile, writeFile } from "../../index.ts";
import { SABOTAGE_NAMES, type SweepOptions, type SweepReport, sweep } from "../../sim/index.ts";
import { countText } from "../table.ts";
import type { Act, Finding, Stage } from "./act.ts";

/** See above. */
export const powerCut: Act = {
  id: "powerCut",
  title: "Power cut: every disk that a crash can leave, in a simulator.",
  weight: 3,
  perform,
};

const PATH = "/data/settings.json";
/** Of several blocks, so that there is something to tear. */
const OLD = "old ".repeat(2500);
const NEW = "new ".repeat(3000);

/** One save over an old file: what a reader must find after a crash. */
const saveOnce: SweepOptions = {
  setup: (disk) => disk.writeFile(PATH, OLD),
  run: () => writeFile(PATH, NEW),
  check: async ({ finished }) => {
    const text = await readFile(PATH, "utf8");
    if (text !== NEW && text !== OLD) throw new TypeError("torn, neither old nor new");
    if (finished && text !== NEW) throw new TypeError("an acknowledged version is lost");
  },
};

async function perform({ output, seed, signal }: Stage): Promise<Finding> {
  const shipped = await sweep({ ...saveOnce, seed });
  say("as shipped", shipped);
  output.line("  Broken on purpose, to see that the simulator finds it:");
  const controls: Record<string, ReturnType<typeof countsOf>> = {};
  let holds = shipped.violations === 0;
  for (const sabotage of SABOTAGE_NAMES) {
    signal.throwIfAborted();
    const report = await sweep({ ...saveOnce, seed, sabotage });
    say(sabotage, report);
    controls[sabotage] = countsOf(report);
    holds &&= report.violations > 0;
  }
  return { holds, facts: { shipped: countsOf(shipped), controls }, headings: [], cells: new Map() };

  function say(name: string, { states, violations, smallest }: SweepReport): void {
    const broken = `${countText(violations)} of ${countText(states)} states broken`;
    output.line(`  ${name.padEnd(20)} ${broken}${smallest ? `: ${smallest.message}` : ""}`);
  }
}

function countsOf({ crashPoints, states, violations, smallest }: SweepReport): {
  crashPoints: number;
  states: number;
  violations: number;
  smallest: string | undefined;
} {
  return { crashPoints, states, violations, smallest: smallest?.message };
}
